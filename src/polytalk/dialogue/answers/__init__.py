"""The avatar's side: one answer is made, delivered, interrupted, and heard only in part."""
