"""`polytalk ask`: one question, one clip, no server."""

import asyncio
from pathlib import Path

import uvloop
from rich.console import Console
from rich.progress import Progress as Bar

from polytalk.config import Settings, load_settings
from polytalk.dialogue.film import Answer, answer, film
from polytalk.dialogue.runtime import Runtime
from polytalk.dialogue.settings import SessionSettings
from polytalk.errors import BadInput
from polytalk.media.decode import decode_audio
from polytalk.types import SPEECH_RATE

UNPACED = {"send_lead_ms": 60_000, "max_lead_ms": 60_000, "speculate": False}
"""Nobody listens while it is made, so there is no playback to keep pace with."""


def run(
    question: str | None,
    recording: Path | None,
    out: Path,
    *,
    size: int,
    label: bool,
    voice: str | None,
    languages: str | None,
    avatar: str | None,
) -> None:
    """Ask and film. Raises PolytalkError."""
    settings = load_settings(languages=languages, avatar=avatar, turn=UNPACED)
    asked = _question(settings, question, recording)
    if size % 2:
        raise BadInput(f"--size must be even for H.264, not {size}")
    console = Console(highlight=False)
    runtime = Runtime(settings)
    with console.status("Waking the engines …"):
        said = uvloop.run(_answer(runtime, settings, voice, asked))
    console.print(f"[dim]You[/dim]   {said.question}\n[dim]{settings.avatar.capitalize():5}[/dim] {said.text}")
    with Bar(console=console, transient=True) as bar:
        task = bar.add_task("Filming", total=None)
        length = film(
            runtime.avatar(settings.avatar),
            said,
            out,
            size=size,
            label=settings.languages[0] if label else None,
            on_frame=lambda done, total: bar.update(task, completed=done, total=total),
        )
    console.print(
        f"[green]✓[/green] {out} ({length:.1f} s, {out.stat().st_size / 1024:.0f} KiB, marked as AI-generated)"
    )


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


async def _answer(runtime: Runtime, settings: Settings, voice: str | None, asked: str | bytes) -> Answer:
    avatar = runtime.avatar(settings.avatar)
    session = SessionSettings(
        avatar=avatar.id,
        voice=runtime.voices.get(voice).voice.id if voice else runtime.default_voice(avatar),
        max_tokens=settings.limits.max_reply_tokens,
    )
    async with runtime.running(lambda _: None):
        return await asyncio.wait_for(answer(runtime, session, asked), 300)
