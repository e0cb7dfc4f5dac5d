"""The default mouth: exact phone times where the voice gives them, the net's ear where it does not."""

from collections.abc import Mapping, Sequence

import numpy as np

from polytalk.engines.mouth.mouthnet import MODEL, MouthNet
from polytalk.engines.mouth.phones import PhonesMouth
from polytalk.engines.revision import revision
from polytalk.errors import PolytalkError
from polytalk.types import FEATURE_RATE, MOUTH_RATE, MouthFrames, MouthWork

STEP = FEATURE_RATE // MOUTH_RATE


class NetMouth(PhonesMouth):
    """`BatchEngine[MouthWork, MouthFrames]`; the options are those of `phones`."""

    def __init__(self, options: Mapping[str, object] | None = None) -> None:
        super().__init__(options)
        self.name = "net"
        self.revision = revision(
            "polytalk.engines.mouth", weights=[MODEL], libraries=["onnxruntime"], options=self._options
        )
        self._net = MouthNet()

    def load(self) -> None:
        """Read the weights, 20 ms. Raises ModelMissing, ModelCorrupt."""
        self._net.load()

    def close(self) -> None:
        """Drop the weights."""
        self._net.close()

    def run(self, batch: Sequence[MouthWork]) -> Sequence[MouthFrames | PolytalkError]:
        """BadInput for work with neither phones nor features, and for frames that it does not have."""
        by_ear = {i: work.features for i, work in enumerate(batch) if work.features is not None and not work.phones}
        moved = dict(zip(by_ear, self._net.move(list(by_ear.values())), strict=True))
        for i, features in by_ear.items():
            self._expressed(moved[i], np.frombuffer(features.loudness, "<f4")[::STEP])
        return [self._cut(work, moved[i]) if i in moved else self._move(work) for i, work in enumerate(batch)]
