"""The server under test: `polytalk serve` in a process of its own, on a free port, ended by its pid."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from bench.questions import OUT
from polytalk.errors import SetupError
from polytalk.types import Seconds

READY: Seconds = 180.0
"""A server that is not ready by then is broken."""
END: Seconds = 10.0
TICKS = os.sysconf("SC_CLK_TCK")
PLUGIN = Path(__file__).parent / "plugin"
"""A distribution that registers the scripted engines, as a user's package would."""


@dataclass(frozen=True)
class Server:
    """A running server."""

    pid: int
    port: int
    jobs: Path
    """Where it writes what its jobs went through (see bench.host)."""

    @property
    def url(self) -> str:
        """For WebSockets."""
        return f"ws://127.0.0.1:{self.port}"

    def cpu_seconds(self) -> Seconds:
        """User and system time of all its threads so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def rss_mib(self) -> float:
        """Resident memory."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


@contextmanager
def serving(settings: Mapping[str, str] | None = None, *, fifo: bool = False) -> Iterator[Server]:
    """Start a server with environment settings (`{"TURN__SPECULATE": "false"}`), wait until it is ready; end it after.

    `fifo`: the same server without order and admission, to compare with.

    Raises SetupError with what it printed when it does not get ready.
    """
    port = _free_port()
    OUT.mkdir(exist_ok=True)
    log, jobs, config = OUT / "server.log", OUT / "jobs.jsonl", OUT / "polytalk.toml"
    config.write_text("# Empty: a polytalk.toml of the working folder must not change what is measured.\n")
    for old in OUT.glob("store.db*"):
        old.unlink()
    own = {"SERVER__PORT": str(port), "CONFIG": str(config), "STORE__URL": f"sqlite:///{OUT.resolve()}/store.db"}
    nothing_kept = {"CACHE__MEMORY_BYTES": "0", "CACHE__DISK_BYTES": "0"}  # engines are measured
    given = own | nothing_kept | dict(settings or {})
    path = os.pathsep.join(filter(None, [str(PLUGIN), str(PLUGIN.parent.parent), os.environ.get("PYTHONPATH")]))
    environment = (
        {name: value for name, value in os.environ.items() if not name.startswith("POLYTALK_")}
        | {f"POLYTALK_{name}": value for name, value in given.items()}
        | {"BENCH_JOBS": str(jobs), "BENCH_ORDER": "fifo" if fifo else "", "PYTHONPATH": path}
    )
    with log.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "bench.host", "serve"], env=environment, stdout=out, stderr=subprocess.STDOUT
        )
    try:
        _wait_ready(process, port, log)
        yield Server(process.pid, port, jobs)
    finally:
        _end(process)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_ready(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    until = time.monotonic() + READY
    while time.monotonic() < until and process.poll() is None:
        try:
            if httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=1.0, trust_env=False).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise SetupError(f"the server did not get ready; it printed:\n{log.read_text()}")


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(END)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
