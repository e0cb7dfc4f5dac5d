"""What was said: the items of a conversation, and what a language model is told of them."""
