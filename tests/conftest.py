"""Settings for all tests."""

import asyncio
import os

import pytest
from hypothesis import settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from tests.support.process import echo_server, guest, heart, joe, server, transcribe  # noqa: F401  (fixtures)
from tests.support.stores import postgres, store, store_settings  # noqa: F401  (fixtures)

# No deadline: the machine is shared. Derandomized: a test that passes today passes tomorrow.
settings.register_profile("polytalk", deadline=None, derandomize=True, database=None)
settings.load_profile("polytalk")

REAL_TIME = ("tests/browser/", "tests/e2e/", "tests/clients/", "tests/unit/test_calls.py", "tests/unit/test_webrtc_")
"""Real models, browsers and peers by the real clock, on a machine that others use: one more try, which is reported."""

WAITING = ("tests/browser/", "tests/e2e/")
"""Folders whose tests mostly wait for what they hear and see: one process has them all, another what computes."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """See REAL_TIME."""
    for item in items:
        if item.nodeid.startswith(REAL_TIME):
            item.add_marker(pytest.mark.flaky(reruns=1))


class ByTheClock(LoadScopeScheduling):  # type: ignore[misc]  # the library has no types
    """See WAITING; of other tests a process takes a file at a time."""

    def _split_scope(self, nodeid: str) -> str:
        return "by the clock" if nodeid.startswith(WAITING) else nodeid.partition("::")[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByTheClock:
    """How `make test`, which runs two processes, shares the tests out between them."""
    return ByTheClock(config, log)


# looptime asks for the event loop of tests that have none, and would be given a new one that nobody closes.
asyncio.set_event_loop(None)

# Whoever runs the tests may run a server too; its settings are not the tests'.
for name in [name for name in os.environ if name.startswith("POLYTALK_")]:
    if name != "POLYTALK_REQUIRE_SERVICES":  # which speaks to the tests
        del os.environ[name]

# Nor are the avatars of whoever runs the tests: there is no such folder.
os.environ["POLYTALK_AVATARS_FOLDER"] = "/nonexistent/avatars"
os.environ["POLYTALK_CACHE__DISK_BYTES"] = "0"  # what a test renders is rendered, and leaves nothing behind
os.environ["POLYTALK_DATA_FOLDER"] = "/nonexistent/data"
os.environ["POLYTALK_STORE__URL"] = "sqlite://"  # in memory, one for each store
