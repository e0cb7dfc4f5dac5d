"""Faces that speak and faces at rest, drawn and filmed for those who don't draw themselves."""
