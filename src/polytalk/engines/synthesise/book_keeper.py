"""The codebooks of one model: drawn in the background when an avatar is first asked for, played by processes."""

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from polytalk.avatar.library import Bundle, opened
from polytalk.avatar.renderer import GRID
from polytalk.engines.synthesise import wav2lip_book as book
from polytalk.engines.synthesise.easels import Easels
from polytalk.engines.synthesise.face_crop import crop
from polytalk.errors import PolytalkError
from polytalk.types import Pictures, SynthesiseWork

log = logging.getLogger(__name__)

SIDE = 512
"""At which an avatar is shown to the network, whatever size is asked for: it sees 96 pixels of the face."""
WAITING = 16
"""Avatars whose codebooks are to be drawn; others wait until they are asked for again."""


class BookKeeper:
    """Used by several threads at once."""

    def __init__(self, model: str, moments: book.Moments, call: book.Draw) -> None:
        """`model` is a digest of all that codebooks depend on besides the avatar; `call` is the network."""
        self._model, self._moments, self._call = model, moments, call
        self._easels = Easels(model)
        self._lock = threading.Lock()
        self._known: dict[str, str] = {}
        """Digest of the avatar whose codebook is there, by folder."""
        self._begun: set[tuple[str, str]] = set()
        self._failed: set[tuple[str, str]] = set()
        self._filler = ThreadPoolExecutor(1, "wav2lip-codebook")
        self._closed = threading.Event()

    def has(self, work: SynthesiseWork) -> bool:
        """Whether a codebook was found for the work's avatar lately: a look at memory."""
        return work.folder in self._known and _square(work)

    def wanted(self, work: SynthesiseWork) -> bool:
        """Whether the work can be drawn from a codebook; if it could be and there is none, one is begun.

        Raises BadInput when the avatar is gone.
        """
        if not work.folder or not _square(work):
            return False
        avatar = opened(Path(work.folder))
        if self._known.get(work.folder) == avatar.digest:
            return True
        if not book.can_have(avatar):
            return False
        if book.is_there(avatar, self._model):
            self._known[work.folder] = avatar.digest
            return True
        self._known.pop(work.folder, None)
        with self._lock:
            key = work.folder, avatar.digest
            if key not in self._begun | self._failed and len(self._begun) < WAITING and not self._closed.is_set():
                self._begun.add(key)
                self._filler.submit(self._fill, avatar, key)
        return False

    def settle(self, work: SynthesiseWork) -> None:
        """Wait until the work's codebook is there, or can't be. Blocks; raises BadInput when the avatar is gone."""
        if not self.wanted(work) and not self._closed.is_set():
            self._filler.submit(lambda: None).result()  # one at a time: those that were begun are before it

    def draw(self, work: SynthesiseWork) -> Pictures | PolytalkError:
        """From the codebook."""
        (result,) = self._easels.draw([work])
        if not isinstance(result, Pictures):
            self._known.pop(work.folder, None)  # looked for again, and drawn by the network if it is gone
        return result

    def close(self) -> None:
        """Stop drawing. What was not finished begins anew another time."""
        self._closed.set()
        self._filler.shutdown(cancel_futures=True)
        self._easels.close()

    def _fill(self, avatar: Bundle, key: tuple[str, str]) -> None:
        there = False
        try:
            face = crop(avatar, (SIDE, SIDE))
            there = book.fill(avatar, face, self._model, self._moments, self._call, lambda: not self._closed.is_set())
        except Exception as error:  # a background thread's error is told nowhere else
            log.warning("no codebook could be drawn of the avatar %s: %s", avatar.id, error)
        with self._lock:
            self._begun.discard(key)
            if not there:
                self._failed.add(key)  # not tried again by this process: it takes long
        if there:
            log.info("the codebook of the avatar %s is drawn", avatar.id)


def _square(work: SynthesiseWork) -> bool:
    return work.size[0] == work.size[1] and work.size[0] % GRID == 0
