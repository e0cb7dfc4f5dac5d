"""Photographed avatars drawn by a network of Wav2Lip's shape, from the user's own checkpoint.

`polytalk engine import wav2lip FILE` makes the graph; no weights come with Polytalk. The network draws every picture,
or once for every avatar a codebook (`wav2lip_book`), which is then played by the processes that draw photographs.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from polytalk.avatar.library import Bundle, opened
from polytalk.avatar.terms import PARAMETERS
from polytalk.engines import models
from polytalk.engines.base import parse_options
from polytalk.engines.revision import revision
from polytalk.engines.synthesise import easels, torch_file, wav2lip_mel, wav2lip_network
from polytalk.engines.synthesise import wav2lip_book as book
from polytalk.engines.synthesise.book_keeper import BookKeeper
from polytalk.engines.synthesise.face_crop import LANDMARKS, PORTRAIT, FaceCrop, crop
from polytalk.errors import BadInput, EngineFailed, ModelCorrupt, ModelMissing, PolytalkError
from polytalk.types import Pictures, SynthesiseWork

PROVIDERS = ("CUDAExecutionProvider", "OpenVINOExecutionProvider", "CPUExecutionProvider")
"""Best first; those that the installed onnxruntime has."""
NET = 40.0
"""Pictures of a codebook for one of the network, on a CPU."""
KEPT = 64
"""Faces cut out of their portraits that are remembered: 1 MB each at 512 x 512."""


class Wav2LipOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[[synthesise]]` options."""

    model: str = "wav2lip"
    """The name that the checkpoint was imported under."""
    frames: int = 64
    """Pictures that one call of the network draws, of all sessions together."""
    threads: int = 1
    draw: Literal["net", "codebook"] = "net"
    """Every picture by the network, or from a codebook, as soon as it was drawn for the avatar."""


class Wav2Lip:
    """`BatchEngine[SynthesiseWork, Pictures]`."""

    max_batch = 64
    hears = True

    def __init__(self, options: Mapping[str, object] | None = None) -> None:
        self.name = "wav2lip"
        self._options = parse_options(Wav2LipOptions, options or {}, "synthesise")
        self._session: Any = None
        self._faces: dict[tuple[str, str, tuple[int, int]], FaceCrop] = {}
        self._book: BookKeeper | None = None

    def draws(self, avatar: Bundle) -> bool:
        """Photographs, with the landmarks that they were taken in with."""
        return avatar.kind == "photo" and {PORTRAIT, LANDMARKS} <= avatar.manifest.files.keys()

    def weights(self) -> tuple[str, ...]:
        """What its pictures depend on besides the code and the avatar. Known without `load`."""
        files = (graph_file(self._options.model), moments_file(self._options.model))
        return self._options.draw, *(_digest(path) for path in files)

    def settle(self, work: SynthesiseWork) -> None:
        """Have the codebook of the work's avatar drawn first: else the network draws meanwhile. Takes 10 to 20 s."""
        if self._book is not None:
            self._book.settle(work)

    def load(self) -> None:
        """Raises ModelMissing when nothing was imported under the name, ModelCorrupt for a file that is no graph."""
        path = graph_file(self._options.model)
        if not path.is_file():
            raise ModelMissing(
                f"no model is imported as {self._options.model!r}: polytalk engine import wav2lip CHECKPOINT "
                f"--name {self._options.model}"
            )
        self._session = open_graph(path, self._options.threads)
        self.weights()  # remembered: nobody shall wait for it later
        if self._options.draw == "codebook":
            moments = book.read_moments(moments_file(self._options.model))
            mark = [models.sha256(path), models.sha256(moments_file(self._options.model))]
            self._book = BookKeeper(revision("polytalk.engines.synthesise", weights=mark), moments, self._call)

    def close(self) -> None:
        """Give the network and the processes back."""
        if self._book is not None:
            self._book.close()
            self._book = None
        self._session = None
        self._faces.clear()

    def probe(self) -> SynthesiseWork:
        """A picture of nobody."""
        return SynthesiseWork("", "", PARAMETERS, bytes(4 * len(PARAMETERS)), (96, 96), "jaw")

    def units(self, work: SynthesiseWork) -> float:
        """Pictures by the network, of which one costs what `NET` of a codebook do."""
        if self._book is not None and self._book.has(work):
            return easels.units(work) / NET
        return work.count

    def run(self, batch: Sequence[SynthesiseWork]) -> Sequence[Pictures | PolytalkError]:
        """BadInput for an avatar that can't be drawn. Pictures of all works go through the network together."""
        results: list[Pictures | PolytalkError | None] = [None] * len(batch)
        ready: list[tuple[int, FaceCrop, NDArray[np.float32]]] = []
        for index, work in enumerate(batch):
            try:
                if self._book is not None and self._book.wanted(work):
                    results[index] = self._book.draw(work)
                    continue
                ready.append((index, self._face(work), _sound(work)))
            except PolytalkError as error:
                results[index] = error
        counts = [len(sound) for _, _, sound in ready]
        drawn = self._draw([face for _, face, _ in ready], counts, [sound for _, _, sound in ready])
        for (index, face, _), end, count in zip(ready, np.cumsum(counts), counts, strict=True):
            results[index] = _pictures(batch[index], face, drawn[end - count : end])
        return [EngineFailed("a picture was not drawn") if result is None else result for result in results]

    def _draw(self, faces: list[FaceCrop], counts: list[int], sounds: list[NDArray[np.float32]]) -> NDArray[np.float32]:
        """[all pictures, 3, 96, 96]."""
        if not faces:
            return np.zeros((0, *wav2lip_network.FACE_SHAPE), np.float32)
        mels, owners = np.concatenate(sounds), np.repeat(np.arange(len(faces)), counts)
        inputs = np.stack([face.input() for face in faces])
        step = max(1, self._options.frames)
        parts = [self._call(mels[at : at + step], inputs[owners[at : at + step]]) for at in range(0, len(mels), step)]
        return np.concatenate(parts)

    def _call(self, mels: NDArray[np.float32], faces: NDArray[np.float32]) -> NDArray[np.float32]:
        drawn: NDArray[np.float32] = self._session.run(None, {"mel": mels, "face": faces})[0]
        return drawn

    def _face(self, work: SynthesiseWork) -> FaceCrop:
        key = work.avatar, work.folder, work.size
        if key not in self._faces:
            if len(self._faces) >= KEPT:
                self._faces.pop(next(iter(self._faces)))
            self._faces[key] = _nobody() if not work.avatar else crop(_photograph(work), work.size)
        return self._faces[key]


def graph_file(name: str) -> Path:
    """Where an imported model is kept. Raises BadInput for a name that is none."""
    if not name or not name.replace("-", "").replace("_", "").isalnum() or len(name) > 40:
        raise BadInput(f"a model's name has 1 to 40 letters, digits, - and _; not {name[:60]!r}", param="model")
    return models.cache_folder() / "wav2lip" / f"{name}.onnx"


def moments_file(name: str) -> Path:
    """Where the speech is kept that codebooks by an imported model are drawn to. Raises BadInput."""
    return graph_file(name).with_suffix(".moments.npz")


def _digest(path: Path) -> str:
    try:
        facts = path.stat()
    except OSError:
        return ""
    return _digest_of(path, facts.st_mtime_ns, facts.st_size)


@lru_cache(maxsize=8)
def _digest_of(path: Path, *_: int) -> str:
    return models.sha256(path)


def take_in(checkpoint: Path, name: str) -> Path:
    """Make the graph of a checkpoint; gives where it is kept. Raises BadInput, ModelMissing."""
    target = graph_file(name)
    weights = torch_file.read(checkpoint)
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_suffix(".partial")
    try:
        wav2lip_network.export(weights, draft)
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
    return target


def open_graph(path: Path, threads: int = 1) -> Any:
    """An onnxruntime session. Raises ModelCorrupt."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    available = ort.get_available_providers()
    try:
        return ort.InferenceSession(
            str(path), options, providers=[provider for provider in PROVIDERS if provider in available]
        )
    except Exception as error:
        raise ModelCorrupt(f"{path} is no graph that can be run ({error}); import the checkpoint again") from error


def _photograph(work: SynthesiseWork) -> Bundle:
    if not work.folder:
        raise BadInput(f"the avatar {work.avatar!r} is no photograph; the engine raster draws it", param="avatar")
    return opened(Path(work.folder))


def _nobody() -> FaceCrop:
    return FaceCrop(np.zeros((96, 96, 3), np.uint8), 0, 0, 96, 96, np.zeros((3, 96, 96), np.float32))


def _sound(work: SynthesiseWork) -> NDArray[np.float32]:
    return wav2lip_mel.windows(work.audio, [work.lead + number / work.fps for number in range(work.count)])


def _pictures(work: SynthesiseWork, face: FaceCrop, drawn: NDArray[np.float32]) -> Pictures:
    rows, columns = face.box
    base = face.picture[rows, columns] if work.form == "jaw" else face.picture
    pictures = np.repeat(base[None], len(drawn), axis=0)
    inner = (slice(None), slice(None)) if work.form == "jaw" else face.box
    for picture, mouth in zip(pictures, drawn, strict=True):
        face.paste(mouth, picture[inner])
    left, top = (face.left, face.top) if work.form == "jaw" else (0, 0)
    return Pictures(pictures.reshape(-1).data, base.shape[1], base.shape[0], left, top)
