"""Settings for all tests."""

import asyncio

from hypothesis import settings

# No deadline: the machine is shared. Derandomized: a test that passes today passes tomorrow.
settings.register_profile("polytalk", deadline=None, derandomize=True, database=None)
settings.load_profile("polytalk")

# looptime asks for the event loop of tests that have none, and would be given a new one that nobody closes.
asyncio.set_event_loop(None)
