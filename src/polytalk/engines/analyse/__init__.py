"""Describing speech: what a mouth is moved by where there are no phone times."""
