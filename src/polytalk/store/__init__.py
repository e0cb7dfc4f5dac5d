"""What is remembered: tenants, keys, conversations, clip jobs, who owns an avatar, what operators did."""
