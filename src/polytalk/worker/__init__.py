"""Workers: one resident engine each, batches across sessions, results streamed back."""
