"""What the user says, from samples to words: the voice found, its pauses judged, its utterances transcribed."""
