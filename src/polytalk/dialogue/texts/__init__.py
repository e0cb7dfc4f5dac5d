"""Single pieces of work without a conversation: a completion, a transcript, a text read aloud."""
