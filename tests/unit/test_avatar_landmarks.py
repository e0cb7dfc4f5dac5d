"""The landmark model is a stranger in a process of its own: what it may do to us is to fail, in words."""

import stat
import sys
from pathlib import Path

import numpy as np
import pytest

from polytalk.avatar import landmarks, landmarks_home, landmarks_process
from polytalk.errors import EngineFailed, SetupError

RGB = np.zeros((20, 30, 3), np.uint8)


def pretend(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    """Run this Python text in the model's place."""
    monkeypatch.setattr(landmarks_home, "command", lambda cache: [sys.executable, "-I", "-S", "-c", program])


def test_the_picture_goes_in_and_faces_come_out_the_largest_first(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pretend(
        monkeypatch,
        "import sys, struct, array\n"
        "w, h = struct.unpack('<II', sys.stdin.buffer.read(8)); pixels = sys.stdin.buffer.read()\n"
        "assert (w, h, len(pixels)) == (30, 20, 1800)\n"
        "def face(size): return array.array('f', [v for n in range(478) for v in (n % 2 * size, n % 2 * size, n)])\n"
        "sys.stdout.buffer.write(struct.pack('<I', 2) + face(5).tobytes() + face(9).tobytes())",
    )
    large, small = landmarks.find(RGB, tmp_path)
    assert (large.box, small.box) == ((0, 0, 9, 9), (0, 0, 5, 5))
    assert large.points.shape == (478, 3)
    assert large.points[477, 2] == 477


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("raise MemoryError('too much')", "too much"),
        ("import os; os.kill(os.getpid(), 9)", "exit code -9"),
        ("import sys; sys.stdout.buffer.write(b'abc')", "3 bytes"),
        ("import sys; sys.stdout.buffer.write(bytes([9, 0, 0, 0]) + bytes(100))", "104 bytes"),
        ("", "0 bytes"),
    ],
)
def test_a_model_that_fails_is_an_error_of_ours(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, program: str, said: str
) -> None:
    pretend(monkeypatch, program)
    with pytest.raises(EngineFailed, match=said):
        landmarks.find(RGB, tmp_path)


def test_a_model_that_never_answers_is_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pretend(monkeypatch, "while True: pass")
    with pytest.raises(EngineFailed, match="took longer"):
        landmarks.find(RGB, tmp_path, timeout=0.3)


def test_the_real_process_bounds_its_memory_before_it_loads_anything(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    packages = tmp_path / "packages"
    packages.mkdir()
    # In numpy's place: what is imported first sees which limits hold already, and whose packages it is among.
    (packages / "numpy.py").write_text(
        "import resource, sys, os\nprint('printed, and no part of the answer')\n"
        f"assert resource.getrlimit(resource.RLIMIT_AS)[0] == {landmarks_process.MEMORY_BYTES}\n"
        "assert not any('site-packages' in path for path in sys.path), sys.path\n"
        "raise SystemExit('bounded')"
    )
    command = [sys.executable, "-I", "-S", "-B", str(landmarks_home.PROCESS), str(packages)]
    monkeypatch.setattr(landmarks_home, "command", lambda cache: command)
    with pytest.raises(EngineFailed, match="bounded"):
        landmarks.find(RGB, tmp_path)


def test_without_the_model_the_error_says_how_to_get_it(tmp_path: Path) -> None:
    assert not landmarks_home.installed(tmp_path)
    with pytest.raises(SetupError, match="polytalk setup --photos"):
        landmarks.find(RGB, tmp_path)


def fake_pip(tmp_path: Path, script: str) -> str:
    program = tmp_path / "python"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return str(program)


def test_an_installation_that_fails_leaves_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "executable", fake_pip(tmp_path, "exit 1"))
    cache = tmp_path / "cache"
    with pytest.raises(SetupError, match="what pip said is above"):
        landmarks_home.install(cache)
    assert not landmarks_home.installed(cache)
    assert list((cache / "landmarks").iterdir()) == []


def test_packages_are_pinned_wheels_without_what_they_ask_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    log = tmp_path / "log"
    script = f'echo "$@" > {log}; while [ "$1" != --target ]; do shift; done; mkdir -p "$2/mediapipe"'
    monkeypatch.setattr(sys, "executable", fake_pip(tmp_path, script))
    cache = tmp_path / "cache"
    landmarks_home.install(cache)
    assert [path.name for path in landmarks_home.home(cache).iterdir()] == ["mediapipe"]
    asked = log.read_text().split()
    assert {"--no-deps", "--only-binary=:all:", "--require-hashes"} <= set(asked)
    log.unlink()
    landmarks_home.install(cache)
    assert not log.exists()  # once is enough


def test_elsewhere_the_error_says_where_avatars_can_be_made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(landmarks_home, "PYTHONS", ("3.4",))
    with pytest.raises(SetupError, match=r"needs Python 3\.4.*polytalk avatar import"):
        landmarks_home.installed(tmp_path)
