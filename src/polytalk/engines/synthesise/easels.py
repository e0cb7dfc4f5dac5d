"""The processes of one engine: one for each batch under way, started when it is needed and kept for the next."""

import threading
from collections.abc import Sequence

from polytalk.engines import models
from polytalk.engines.synthesise.easel import Easel
from polytalk.errors import EngineFailed, PolytalkError
from polytalk.types import Pictures, SynthesiseWork

JAW = 0.15
"""What the mouth's part costs of a whole picture."""


class Easels:
    """Used by several threads at once."""

    def __init__(self, model: str = "") -> None:
        """`model` as `Easel` has it."""
        self._model = model
        self.free: list[Easel] = []
        """Those that wait for work."""
        self._busy = 0
        self._lock = threading.Lock()
        self._closed = False

    def start(self, first: SynthesiseWork) -> None:
        """Have one process ready, which has drawn something. Raises EngineFailed."""
        easel = self._take(first)
        easel.draw(first)
        self._give_back(easel)

    def rehearse(self, work: SynthesiseWork, processes: int) -> bool:
        """See `Rehearses`."""
        with self._lock:
            fresh = next((one for one in self.free if not one.knows(work)), None)
            if self._closed or (fresh is None and len(self.free) + self._busy >= processes):
                return False
            if fresh is not None:
                self.free.remove(fresh)
            self._busy += 1
        easel = fresh or self._new()
        try:
            result = easel.draw(work)
        except EngineFailed:
            self._drop(easel)
            raise
        self._give_back(easel)
        if isinstance(result, PolytalkError):
            raise result
        return True

    def draw(self, batch: Sequence[SynthesiseWork]) -> Sequence[Pictures | PolytalkError]:
        """BadInput for what can't be drawn; EngineFailed for all that a dead process was to draw."""
        easel = self._take(batch[0])
        results: list[Pictures | PolytalkError] = []
        try:
            for work in batch:
                results += [easel.draw(work)]
        except EngineFailed as error:
            self._drop(easel)
            return [*results, *[error] * (len(batch) - len(results))]
        self._give_back(easel)
        return results

    def close(self) -> None:
        """End the processes."""
        with self._lock:
            self._closed = True
            free, self.free = self.free, []
        for easel in free:
            easel.close()

    def _take(self, work: SynthesiseWork) -> Easel:
        """One that has the face open, if it is free."""
        with self._lock:
            self._busy += 1
            if self.free:
                self.free.sort(key=lambda one: one.knows(work))
                return self.free.pop()
        return self._new()

    def _new(self) -> Easel:
        try:
            return Easel(models.patches_folder(), self._model)
        except BaseException:
            with self._lock:
                self._busy -= 1
            raise

    def _drop(self, easel: Easel) -> None:
        with self._lock:
            self._busy -= 1
        easel.close()

    def _give_back(self, easel: Easel) -> None:
        with self._lock:
            self._busy -= 1
            if not self._closed:
                self.free.append(easel)
                return
        easel.close()


def units(work: SynthesiseWork) -> float:
    """What a work costs of a codebook, in whole pictures of 512 x 512 pixels."""
    return work.count * (JAW if work.form == "jaw" else 1.0) * work.size[0] * work.size[1] / 512**2
