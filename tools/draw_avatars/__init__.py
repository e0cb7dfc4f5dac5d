"""Draws the faces that Polytalk ships, as code: `python -m tools.draw_avatars` writes their bundles."""
