"""Drawing faces on the server."""
