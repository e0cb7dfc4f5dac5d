"""One module a figure; each has `measure(plan) -> Figure`."""
