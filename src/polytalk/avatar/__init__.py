"""Illustrated faces: the bundle format, its rig, its motion and its pictures."""
