"""Illustrated avatars drawn on the server from their codebook (`avatar/drawn`): a process for each core that draws."""

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from polytalk.avatar.library import Bundle
from polytalk.avatar.terms import PARAMETERS
from polytalk.engines.base import parse_options
from polytalk.engines.synthesise.easels import Easels, units
from polytalk.errors import PolytalkError
from polytalk.types import Pictures, SynthesiseWork


class RasterOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[[synthesise]]` options: none."""


class RasterSynthesiser:
    """`BatchEngine[SynthesiseWork, Pictures]`. "jaw" is the mouth with the head at rest, and far cheaper."""

    max_batch = 1  # pictures together cost what they cost alone, and another core may draw the next run
    hears = False

    def __init__(self, options: Mapping[str, object] | None = None) -> None:
        self.name = "raster"
        parse_options(RasterOptions, options or {}, "synthesise")
        self._easels = Easels()

    def draws(self, avatar: Bundle) -> bool:
        """Illustrated ones."""
        return avatar.kind == "illustrated"

    def load(self) -> None:
        """One process: more are started when they are needed, one for each batch under way."""
        self._easels.start(self.probe())

    def close(self) -> None:
        """End the processes."""
        self._easels.close()

    def probe(self) -> SynthesiseWork:
        """A small picture."""
        return SynthesiseWork("mira", "", PARAMETERS, np.zeros(len(PARAMETERS), "<f4").tobytes(), (64, 64))

    def units(self, work: SynthesiseWork) -> float:
        """Pictures, in whole ones of 512 x 512 pixels."""
        return units(work)

    def rehearse(self, work: SynthesiseWork, processes: int) -> bool:
        """See `Rehearses`."""
        return self._easels.rehearse(work, processes)

    def run(self, batch: Sequence[SynthesiseWork]) -> Sequence[Pictures | PolytalkError]:
        """BadInput for what can't be drawn; EngineFailed for all that a dead process was to draw."""
        return self._easels.draw(batch)
