"""The policy ring and the simulator as machine code. mypyc (it comes with mypy) translates the files that are shipped:
nothing is written twice, and the same seed gives the same report.
"""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import polytalk
from bench.questions import OUT

PACKAGE = Path(polytalk.__file__).parent
FILES = (
    *(f"schedule/{name}" for name in ("admission", "bank", "batch", "cost", "demand", "fairshare", "order")),
    *(f"schedule/{name}" for name in ("overload", "playout", "runs", "window")),
    *(f"sim/{name}" for name in ("call", "decoder", "events", "gate", "ring", "station", "turns")),
)
"""What runs for every job of a simulation."""
BUILD = """
import sys
from mypyc.build import mypycify
from setuptools import setup
setup(
    name="compiled",
    ext_modules=mypycify([*sys.argv[1:], "--ignore-missing-imports", "--follow-imports=silent"]),
    script_args=["-q", "build_ext", "--inplace"],
)
"""


class NotCompiled(Exception):
    """mypyc, setuptools or a C compiler is missing, or fails; says which."""


def compiled() -> Path:
    """A folder to put before others on the path; made in about a minute, and again when a file changed.

    Raises NotCompiled.
    """
    sources = [PACKAGE / f"{name}.py" for name in FILES]
    stamp = hashlib.blake2b(b"".join(path.read_bytes() for path in sorted(PACKAGE.rglob("*.py")))).hexdigest()
    into = OUT / "compiled"
    made = into / "made"
    if made.exists() and made.read_text() == stamp:
        return into
    shutil.rmtree(into, ignore_errors=True)
    shutil.copytree(PACKAGE, into / "polytalk", ignore=shutil.ignore_patterns("__pycache__", "static", "*.so"))
    (into / "build.py").write_text(BUILD)
    files = [f"polytalk/{path.relative_to(PACKAGE)}" for path in sources]
    build = subprocess.run([sys.executable, "build.py", *files], cwd=into, capture_output=True, text=True, check=False)
    if build.returncode:
        said = (build.stderr or build.stdout).strip().splitlines()
        raise NotCompiled(f"mypyc could not translate the simulator: {said[-1] if said else build.returncode}")
    made.write_text(stamp)
    return into
