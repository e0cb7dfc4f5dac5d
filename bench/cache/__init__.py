"""What the figures of the cache need: traces, rivals, the optimum."""
