"""When the user's turn ends, what is answered, and what was heard of it."""
