"""Requests that are no conversation: text, speech, words of recordings, clips, and what there is to choose from."""
