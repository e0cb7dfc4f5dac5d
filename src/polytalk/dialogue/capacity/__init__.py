"""Places on the machine: who waits for one, who holds one, and who pays for it."""
