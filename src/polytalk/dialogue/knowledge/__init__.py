"""What an avatar knows by heart, and how a question is told from another."""
