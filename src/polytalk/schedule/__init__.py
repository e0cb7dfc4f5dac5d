"""The policy ring: pure and synchronous, decide(now, queue, state) -> action, replayable under a virtual clock."""
