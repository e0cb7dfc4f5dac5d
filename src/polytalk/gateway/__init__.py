"""The door: protocol events in and out, limits, the page."""
