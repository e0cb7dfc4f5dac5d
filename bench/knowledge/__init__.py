"""Questions for measuring answers by meaning. None of them may serve to write the rules."""
