"""Texts as vectors: the nearer two are, the more alike they read."""
