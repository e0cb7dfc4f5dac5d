"""Drawings from a codebook: patches of mouth and eyes that were drawn before, then one warp for all that is smooth."""
