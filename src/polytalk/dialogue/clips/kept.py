"""Clips by content: what was filmed once is copied."""

import asyncio
import struct
from pathlib import Path

from polytalk.cache.disk import DiskTier
from polytalk.cache.key import ClipKey, digest, digest_bytes
from polytalk.dialogue.clips.film import Answer, OnFrame, film
from polytalk.dialogue.clips.marks import Mark
from polytalk.dialogue.clips.reel import FPS
from polytalk.dialogue.faces.drawing import Drawing
from polytalk.dialogue.voices import language_of
from polytalk.engines.revision import revision
from polytalk.types import Seconds

LENGTH = struct.Struct("<d")
"""The clip's length in seconds stands before the file."""


async def clip(
    disk: DiskTier,
    drawing: Drawing,
    said: Answer,
    target: Path,
    voice: str,
    size: int,
    mark: Mark,
    on_frame: OnFrame = lambda *_: None,
) -> tuple[Seconds, bool]:
    """Write the clip, filmed or copied; its length, and whether it was there. Raises BadInput, SetupError."""
    key = ClipKey(
        avatar=drawing.avatar.digest,
        text=said.text,
        audio=digest_bytes(said.audio),
        mouth=digest_bytes(said.mouth),
        voice=voice,
        language=language_of(said.text),
        renderer=_renderer(drawing),
        width=size,
        height=size,
        fps=FPS,
        form=target.suffix.lower(),
        mark=mark.identity,
    )
    name = digest(key)
    kept = await disk.get(name)
    if kept is not None and len(kept) > LENGTH.size:
        await asyncio.to_thread(target.write_bytes, kept[LENGTH.size :])
        return float(LENGTH.unpack_from(kept)[0]), True
    length = await asyncio.to_thread(film, drawing, said.take(), target, size=size, mark=mark, on_frame=on_frame)
    content = await asyncio.to_thread(target.read_bytes)
    await disk.note(drawing.avatar.digest, name)
    await disk.put(name, LENGTH.pack(length) + content, at_once=True)
    return length, False


def _renderer(drawing: Drawing) -> str:
    """Revision of all that draws and writes a clip."""
    writing = f"{revision('polytalk.media', libraries=['av'])} {revision('polytalk.dialogue')}"
    return f"{drawing.painter.looks} {writing}"
