"""Photographed avatars drawn on the server from their codebook (`avatar/photo`), by processes as drawings are."""

from collections.abc import Mapping, Sequence

import msgspec

from polytalk.avatar.library import Bundle
from polytalk.avatar.manifest import FACE
from polytalk.avatar.terms import PARAMETERS
from polytalk.engines.base import parse_options
from polytalk.engines.synthesise.easels import Easels, units
from polytalk.errors import BadInput, PolytalkError
from polytalk.types import Pictures, SynthesiseWork

_NOBODY = ""


class PhotoOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[[synthesise]]` options: none."""


class PhotoSynthesiser:
    """`BatchEngine[SynthesiseWork, Pictures]`. "jaw" is the mouth with the head at rest, and far cheaper."""

    max_batch = 1  # pictures together cost what they cost alone, and another core may draw the next run
    hears = False

    def __init__(self, options: Mapping[str, object] | None = None) -> None:
        self.name = "photo"
        parse_options(PhotoOptions, options or {}, "synthesise")
        self._easels = Easels()

    def draws(self, avatar: Bundle) -> bool:
        """Photographs whose face was built."""
        return avatar.kind == "photo" and FACE in avatar.manifest.files

    def load(self) -> None:
        """Nothing to read: a process reads a face when it first draws it, so avatars may come and go."""

    def close(self) -> None:
        """End the processes."""
        self._easels.close()

    def probe(self) -> SynthesiseWork:
        """A picture of nobody: no photograph comes with the package."""
        return SynthesiseWork(_NOBODY, "", PARAMETERS, bytes(4 * len(PARAMETERS)), (64, 64))

    def units(self, work: SynthesiseWork) -> float:
        """Pictures, in whole ones of 512 x 512 pixels."""
        return units(work)

    def rehearse(self, work: SynthesiseWork, processes: int) -> bool:
        """See `Rehearses`."""
        return self._easels.rehearse(work, processes)

    def run(self, batch: Sequence[SynthesiseWork]) -> Sequence[Pictures | PolytalkError]:
        """BadInput for what can't be drawn; EngineFailed for all that a dead process was to draw."""
        results: list[Pictures | PolytalkError] = []
        for work in batch:
            if not work.folder and work.avatar != _NOBODY:
                results.append(BadInput(f"the avatar {work.avatar!r} is no photograph; the engine raster draws it"))
            elif work.avatar == _NOBODY:
                results.append(Pictures(memoryview(bytes(3 * work.size[0] * work.size[1] * work.count)), *work.size))
            else:
                results += self._easels.draw([work])
        return results
