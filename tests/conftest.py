"""Settings for all tests."""

import asyncio
import os

import pytest
from hypothesis import settings

from tests.support.process import echo_server, guest, heart, joe, server, transcribe  # noqa: F401  (fixtures)
from tests.support.stores import postgres, store, store_settings  # noqa: F401  (fixtures)

# No deadline: the machine is shared. Derandomized: a test that passes today passes tomorrow.
settings.register_profile("polytalk", deadline=None, derandomize=True, database=None)
settings.load_profile("polytalk")

REAL_TIME = ("tests/browser/", "tests/e2e/", "tests/clients/", "tests/unit/test_calls.py", "tests/unit/test_webrtc_")
"""Real models, browsers and peers by the real clock, on a machine that others use: one more try, which is reported."""

WAITING = ("tests/browser/", "tests/e2e/")
"""Folders whose tests mostly wait for what they hear and see: one process has them all, another what computes."""


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """See REAL_TIME and WAITING. The groups are those of `make test`, which runs two at once."""
    for item in items:
        if item.nodeid.startswith(REAL_TIME):
            item.add_marker(pytest.mark.flaky(reruns=1))
        group = "by the clock" if item.nodeid.startswith(WAITING) else item.nodeid.partition("::")[0]
        item.add_marker(pytest.mark.xdist_group(group))


# The first process is given the first group, which is that of WAITING: it has the right of way.
if os.environ.get("PYTEST_XDIST_WORKER", "gw0") != "gw0":
    os.nice(5)


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
