"""A process that draws, and its owner's end of it.

Renderers of a process share memory and are used from one thread (ADR 6), and drawing in Python would keep the event
loop from its work. So each core that draws has a process: orders go through a pipe, pictures come back through shared
memory.
"""

import mmap
import os
import struct
import subprocess
import sys
import tempfile
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, TypeAlias

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from polytalk.avatar.library import Bundle, of_the_package, opened
from polytalk.avatar.renderer import Renderer, open_renderer
from polytalk.avatar.shelf import Shelf
from polytalk.engines.revision import revision
from polytalk.errors import BadInput, EngineFailed, PolytalkError, by_code
from polytalk.types import Failure, Layout, Pictures, Seconds, SynthesiseWork, room_of

LENGTH = struct.Struct("<I")
PATIENCE: Seconds = 2.0
"""How long a process may take to end."""
KEPT = 4
"""Renderers a process keeps: at 512 x 512 one of a drawing holds 3 MB, one of a photograph up to 50."""
MAX_SIZE = 1_920
"""Width or height of a picture."""


Face: TypeAlias = tuple[str, str, tuple[int, int]]
"""An avatar, its folder, and the size."""


def face_of(work: SynthesiseWork) -> Face:
    """Whose pictures are asked for."""
    return work.avatar, work.folder, work.size


class Drawn(Struct, frozen=True, tag="drawn"):
    """So many pictures lie in the shared memory."""

    count: int
    width: int
    height: int
    left: int = 0
    top: int = 0
    layout: Layout = "rgb"


class Easel:
    """The owner's end. One thread at a time."""

    def __init__(self, patches: Path | None = None, model: str = "") -> None:
        """`patches` is where those of the package's own avatars are kept; None keeps none at all.

        `model` is the digest of a network whose mouths photographs speak with, where they were drawn (`wav2lip_book`).
        """
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - shared with the process, closed with it
        self._faces: OrderedDict[Face, None] = OrderedDict()
        self._room = 0
        self._memory: mmap.mmap | None = None
        told = [str(self._file.fileno()), str(patches or ""), model]
        self._process = subprocess.Popen(
            [sys.executable, "-m", __spec__.name, *told],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=(self._file.fileno(),),
        )

    def draw(self, work: SynthesiseWork) -> Pictures | PolytalkError:
        """Blocks without the GIL. Raises EngineFailed when the process is gone; it is of no more use then."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._grow(3 * work.size[0] * work.size[1] * work.count)
        try:
            _send(self._process.stdin, msgspec.msgpack.encode(work))
            answer = msgspec.msgpack.decode(_receive(self._process.stdout), type=Drawn | Failure)
        except (OSError, EOFError) as error:
            code = self._process.poll()
            raise EngineFailed(
                f"the process that draws has ended (exit status {code}); the next run starts another"
            ) from error
        if isinstance(answer, Failure):
            return by_code(answer.code, answer.message)
        self._faces[face_of(work)] = None
        self._faces.move_to_end(face_of(work))
        if len(self._faces) > KEPT:
            self._faces.popitem(last=False)
        room = room_of(answer.layout, answer.width, answer.height)
        taken = memoryview(self._memory or b"")[: room * answer.count]
        pixels = bytes(taken)
        taken.release()
        return Pictures(memoryview(pixels), answer.width, answer.height, answer.left, answer.top, answer.layout)

    def knows(self, work: SynthesiseWork) -> bool:
        """Whether the process still has the face open."""
        return face_of(work) in self._faces

    def close(self) -> None:
        """End the process. Safe to call twice."""
        if self._process.stdin is not None:
            with suppress(BrokenPipeError):  # an order that a dead process did not read
                self._process.stdin.close()  # a live one reads the end of its orders
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        if self._memory is not None:
            self._memory.close()
        self._file.close()

    def _grow(self, room: int) -> None:
        if room > self._room:
            os.ftruncate(self._file.fileno(), room)
            if self._memory is not None:
                self._memory.close()
            self._memory, self._room = mmap.mmap(self._file.fileno(), room), room


class Painter:
    """The process's end."""

    def __init__(self, shared: int, patches: Path | None = None, model: str = "") -> None:
        self._shared, self._patches, self._model = shared, patches, model
        self._memory: mmap.mmap | None = None
        self._renderers: OrderedDict[Face, Renderer] = OrderedDict()

    def draw(self, work: SynthesiseWork) -> Drawn:
        """Every row of parameters as a picture, into the shared memory. Raises BadInput."""
        rows = rows_of(work)
        renderer = self._renderer(work)
        moves = [dict(zip(work.names, row, strict=True)) for row in rows.tolist()]
        width, height = work.size
        left = top = 0
        if work.form == "jaw":
            left, top, right, bottom = renderer.patch(moves[0])[1]
            width, height = right - left, bottom - top
        draw = renderer.planes(work.form)
        layout: Layout = "rgb" if draw is None else "yuv420"
        room = room_of(layout, width, height)
        canvas = np.frombuffer(self._map(room * len(rows)), np.uint8)[: room * len(rows)].reshape(len(rows), room)
        for picture, move in zip(canvas, moves, strict=True):
            if draw is not None:
                np.concatenate([plane.reshape(-1) for plane in draw(move)], out=picture)
            else:
                drawn = renderer.patch(move)[0] if work.form == "jaw" else renderer.frame(move)
                picture[:] = drawn.reshape(-1)
        return Drawn(len(rows), width, height, left, top, layout)

    def _renderer(self, work: SynthesiseWork) -> Renderer:
        key = face_of(work)
        if key not in self._renderers:
            if len(self._renderers) == KEPT:
                self._renderers.popitem(last=False)
            avatar = bundle_of(work)
            shelf = shelf_of(avatar, work.size, self._patches)
            renderer = open_renderer(avatar, work.size, shelf)[1]
            if self._model:
                _speak_as(renderer, avatar, self._model)
            self._renderers[key] = renderer
        self._renderers.move_to_end(key)
        return self._renderers[key]

    def _map(self, room: int) -> mmap.mmap:
        if self._memory is None or len(self._memory) < room:
            self._memory = mmap.mmap(self._shared, os.fstat(self._shared).st_size)
        return self._memory


def bundle_of(work: SynthesiseWork) -> Bundle:
    """The avatar of a work. Raises BadInput."""
    if work.folder:
        return opened(Path(work.folder))
    for shipped in of_the_package():
        if shipped.id == work.avatar:
            return shipped
    raise BadInput(f"there is no avatar {work.avatar!r} in the package", code="model_not_found")


def shelf_of(avatar: Bundle, size: tuple[int, int], patches: Path | None) -> Shelf | None:
    """Where what is drawn of an avatar at a size is kept: with it, or below `patches` for one of the package's own.

    Without `patches` nothing is kept.
    """
    if patches is None:
        return None
    home = patches / avatar.id if avatar.shipped else avatar.folder
    if avatar.shipped:
        with suppress(OSError):  # then the shelf can't be opened either
            home.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = "polytalk.avatar.drawn" if avatar.kind == "illustrated" else "polytalk.avatar.photo"
    facts = [avatar.digest, f"{size[0]}x{size[1]}", revision(part)]
    libraries = ["thorvg-cython", "opencv-python-headless", "numpy"]
    return Shelf.open(home, revision("polytalk.avatar", weights=facts, libraries=libraries))


def _speak_as(renderer: Renderer, avatar: Bundle, model: str) -> None:
    """Raises BadInput where the model's mouths were not drawn: this process must not take others for them."""
    from polytalk.avatar.photo.renderer import PhotoRenderer
    from polytalk.engines.synthesise import wav2lip_book

    mouths = wav2lip_book.speaking_with(avatar, renderer.face, model) if isinstance(renderer, PhotoRenderer) else None
    if mouths is None:
        raise BadInput(f"the avatar {avatar.id!r} has no codebook by this model", param="avatar")
    assert isinstance(renderer, PhotoRenderer)
    renderer.speak_with(mouths)


def rows_of(work: SynthesiseWork) -> NDArray[np.float32]:
    """[T, names] parameters. Raises BadInput for a work that no renderer should be given."""
    if not work.names or not work.frames or len(work.frames) % (4 * len(work.names)):
        raise BadInput(
            f"{len(work.frames)} bytes are no rows of {len(work.names)} parameters, four bytes each", param="frames"
        )
    if not all(16 <= side <= MAX_SIZE for side in work.size):
        raise BadInput(
            f"pictures have 16 to {MAX_SIZE} pixels a side, not {work.size[0]} x {work.size[1]}", param="size"
        )
    rows = np.frombuffer(work.frames, "<f4").reshape(-1, len(work.names))
    if not np.isfinite(rows).all():
        raise BadInput("parameters must be finite numbers", param="frames")
    return rows


def paint(orders: IO[bytes], answers: IO[bytes], painter: Painter) -> None:
    """Draw until there are no more orders."""
    while True:
        try:
            order = _receive(orders)
        except EOFError:
            return
        answer: Drawn | Failure
        try:
            answer = painter.draw(msgspec.msgpack.decode(order, type=SynthesiseWork))
        except PolytalkError as error:
            answer = Failure(error.code, error.message)
        except Exception as error:  # a defect of one picture must not end the others'
            answer = Failure(EngineFailed.code, f"a picture can't be drawn: {error!r}")
        _send(answers, msgspec.msgpack.encode(answer))


def _send(pipe: IO[bytes], message: bytes) -> None:
    pipe.write(LENGTH.pack(len(message)) + message)
    pipe.flush()


def _receive(pipe: IO[bytes]) -> bytes:
    """Raises EOFError."""
    head = pipe.read(LENGTH.size)
    body = pipe.read(LENGTH.unpack(head)[0]) if len(head) == LENGTH.size else b""
    if not body:
        raise EOFError
    return body


def main(arguments: Sequence[str]) -> None:
    """`python -m polytalk.engines.synthesise.easel FD FOLDER MODEL`; the last two may be empty."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever a library prints must not look like an answer
    shared, patches, model = arguments
    paint(sys.stdin.buffer, answers, Painter(int(shared), Path(patches) if patches else None, model))


if __name__ == "__main__":
    main(sys.argv[1:])
