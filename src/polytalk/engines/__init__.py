"""Thin adapters over well-kept model runtimes, found by entry point."""
