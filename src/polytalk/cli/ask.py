"""`polytalk ask`: one question, one clip, no server."""

import asyncio
from pathlib import Path
from typing import Any

import uvloop
from rich.console import Console
from rich.progress import Progress as Bar

from polytalk.config import Settings, load_settings
from polytalk.dialogue.clips.exports import check_target
from polytalk.dialogue.clips.film import Answer, OnFrame, answer
from polytalk.dialogue.clips.kept import clip
from polytalk.dialogue.clips.marks import Mark, mark_of
from polytalk.dialogue.faces.drawing import Drawing
from polytalk.dialogue.runtime import Runtime, open_tiers
from polytalk.dialogue.settings import SessionSettings
from polytalk.errors import BadInput
from polytalk.media.decode import decode_audio
from polytalk.types import SPEECH_RATE, Seconds

UNPACED = {"send_lead_ms": 60_000, "max_lead_ms": 60_000, "speculate": False}
"""Nobody listens while it is made, so there is no playback to keep pace with."""


def run(
    question: str | None,
    recording: Path | None,
    out: Path,
    *,
    size: int,
    marking: dict[str, Any],
    voice: str | None,
    languages: str | None,
    avatar: str | None,
) -> None:
    """Ask and film. Raises PolytalkError."""
    settings = load_settings(languages=languages, avatar=avatar, turn=UNPACED, marking=marking or None)
    asked = _question(settings, question, recording)
    check_target(out, size)
    mark = mark_of(settings)
    console = Console(highlight=False)
    runtime = Runtime(settings)
    with console.status("Waking the engines …"):
        said = uvloop.run(_answer(runtime, settings, voice, asked))
    console.print(f"[dim]You[/dim]   {said.question}\n[dim]{settings.avatar.capitalize():5}[/dim] {said.text}")
    with Bar(console=console, transient=True) as bar:
        task = bar.add_task("Filming", total=None)
        length, kept = uvloop.run(
            _film(
                runtime,
                said,
                out,
                _voice(runtime, voice),
                size,
                mark,
                lambda done, total: bar.update(task, completed=done, total=total),
            )
        )
    console.print(f"[green]✓[/green] {described(out, length, mark)}" + (", as it was made before" if kept else ""))


def described(out: Path, length: Seconds, mark: Mark) -> str:
    """A finished clip in a line."""
    signed = ""
    if mark.seal is not None:
        signed = ", signed" if mark.seal_for(out.suffix.lower()) else f", not signed: {out.suffix} has no place for it"
    return f"{out}: {length:.1f} s, {out.stat().st_size / 1024:.0f} KiB, marked as AI-generated{signed}"


def _question(settings: Settings, text: str | None, recording: Path | None) -> str | bytes:
    if (text is None) == (recording is None):
        raise BadInput('give a question, or --audio with a recording: polytalk ask "What can you do?"')
    if recording is not None:
        return decode_audio(recording, SPEECH_RATE, max_seconds=settings.limits.max_utterance_seconds)
    assert text is not None
    if not text.strip():
        raise BadInput("the question is empty")
    if len(text) > settings.limits.max_text_chars:
        raise BadInput(f"a question may have {settings.limits.max_text_chars} characters, not {len(text)}")
    return text.strip()


def _voice(runtime: Runtime, asked: str | None) -> str:
    """The voice that was asked for, or the avatar's own. Raises BadInput."""
    if asked:
        return runtime.voices.get(asked).voice.id
    return runtime.default_voice(runtime.avatar(runtime.settings.avatar))


async def _film(
    runtime: Runtime, said: Answer, out: Path, voice: str, size: int, mark: Mark, on_frame: OnFrame
) -> tuple[Seconds, bool]:
    disk = open_tiers(runtime.settings).disk
    try:
        await disk.open()
        with Drawing(runtime.settings, runtime.avatar(runtime.settings.avatar)) as drawing:
            return await clip(disk, drawing, said, out, voice, size, mark, on_frame)
    finally:
        disk.close()


async def _answer(runtime: Runtime, settings: Settings, voice: str | None, asked: str | bytes) -> Answer:
    avatar = runtime.avatar(settings.avatar)
    session = SessionSettings(
        avatar=avatar.id,
        voice=_voice(runtime, voice),
        max_tokens=settings.limits.max_reply_tokens,
    )
    async with runtime.running(lambda _: None):
        return await asyncio.wait_for(answer(runtime, session, asked), 300)
