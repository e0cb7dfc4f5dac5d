"""Nothing is rendered twice: what was made once is kept by content, and made once when many ask at the same time."""
