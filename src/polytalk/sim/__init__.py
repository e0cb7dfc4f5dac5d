"""The policy ring under a virtual clock: what the scheduler is worth, and how many machines a crowd needs."""
