"""The forms that a clip can have, chosen by its name."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final, TypeAlias

from polytalk.errors import BadInput
from polytalk.media import gif
from polytalk.media.gif import LARGEST as GIF_LARGEST
from polytalk.media.gif import GifWriter
from polytalk.media.mp4 import Mp4Writer
from polytalk.media.scenes import SceneForm
from polytalk.media.sound import SUFFIXES as SOUNDS
from polytalk.media.webm import WebmWriter
from polytalk.media.whole import Seal
from polytalk.types import SPEECH_RATE

SUFFIXES: Final = (".mp4", ".webm", ".gif", *SOUNDS)
VideoFile: TypeAlias = Mp4Writer | WebmWriter | GifWriter


def is_sound(target: Path) -> bool:
    """Whether nothing is drawn."""
    return target.suffix.lower() in SOUNDS


def scene_form(target: Path) -> type[SceneForm]:
    """What encodes a target's pictures, scene by scene."""
    forms: dict[str, type[SceneForm]] = {".gif": GifWriter, ".webm": WebmWriter}
    return forms.get(target.suffix.lower(), Mp4Writer)


def check_length(target: Path, frames: int, fps: int) -> None:
    """Raises BadInput for more pictures than the form can have, before any is drawn."""
    if target.suffix.lower() == ".gif":
        gif.check_length(frames - 1, fps)


def check_target(target: Path, size: int) -> None:
    """Raises BadInput for a place, suffix or size that can't be written, before anything is computed."""
    suffix = target.suffix.lower()
    if suffix not in SUFFIXES:
        raise BadInput(f"{target.name!r} says no form that is known; let it end in {', '.join(SUFFIXES)}")
    if target.is_dir():
        raise BadInput(f"{target} is a folder; name a file")
    if not target.parent.is_dir():
        raise BadInput(f"{target} can't be written: there is no folder {target.parent}")
    if is_sound(target):
        return
    if size % 2:
        raise BadInput(f"--size must be even, not {size}")
    if suffix == ".gif" and size > GIF_LARGEST:
        raise BadInput(f"a GIF of {size} pixels would be too large; give --size {GIF_LARGEST} or less, or write an mp4")


def open_video(
    target: Path, size: tuple[int, int], fps: int, tags: Mapping[str, str], seal: Seal | None, threads: int = 0
) -> VideoFile:
    """The writer for a target with pictures; see VideoWriter. Raises BadInput, SetupError."""
    match target.suffix.lower():
        case ".webm":
            return WebmWriter(target, *size, fps, SPEECH_RATE, tags, threads=threads, seal=seal)
        case ".gif":
            return GifWriter(target, *size, fps, tags, seal=seal)
        case _:
            return Mp4Writer(target, *size, fps, SPEECH_RATE, tags, threads=threads, seal=seal)
