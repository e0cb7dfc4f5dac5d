"""The `polytalk` command."""
