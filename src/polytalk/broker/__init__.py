"""Jobs to workers and chunks back: in process here; other carriers keep the same contract."""
