"""Answers and scripts as files: spoken, drawn, filmed, marked, and resumable."""
