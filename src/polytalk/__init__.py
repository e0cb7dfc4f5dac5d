"""Polytalk: a server for talking digital humans at high concurrency."""

__version__ = "0.1.0"
