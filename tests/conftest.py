"""Settings for all tests."""

from hypothesis import settings

settings.register_profile("polytalk", deadline=None, derandomize=True, database=None)
"""No deadline: the machine is shared. Derandomized: a test that passes today passes tomorrow."""
settings.load_profile("polytalk")
