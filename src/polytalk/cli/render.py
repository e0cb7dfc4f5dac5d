"""`polytalk render`: a long text, or a recording, as a clip."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvloop
from rich.console import Console
from rich.progress import Progress as Bar

from polytalk.cli.ask import UNPACED, described
from polytalk.config import EngineChoice, load_settings
from polytalk.dialogue.capacity.payer import Payer
from polytalk.dialogue.clips.exports import check_target
from polytalk.dialogue.clips.film import film
from polytalk.dialogue.clips.marks import mark_of
from polytalk.dialogue.clips.narration import Narration
from polytalk.dialogue.clips.parts import Parts
from polytalk.dialogue.clips.reel import BEFORE
from polytalk.dialogue.clips.rehearsal import recorded
from polytalk.dialogue.clips.script import load_script, read_script
from polytalk.dialogue.clips.subtitles import cues, written
from polytalk.dialogue.clips.take import Take
from polytalk.dialogue.dispatch import Scope
from polytalk.dialogue.faces.drawing import Drawing
from polytalk.dialogue.ids import new_id
from polytalk.dialogue.runtime import Runtime
from polytalk.dialogue.settings import SessionSettings
from polytalk.errors import BadInput, SetupError
from polytalk.media.decode import decode_audio
from polytalk.types import SPEECH_RATE, Seconds, Tier

LONGEST_RECORDING: Seconds = 3600.0
SILENT_MIND = EngineChoice(engine="echo")
"""Nothing is answered, so no language model is loaded."""


@dataclass(frozen=True)
class Order:
    """What is wanted."""

    script: Path | None
    recording: Path | None
    out: Path
    size: int
    voice: str | None
    subtitles: str | None
    speed: float
    pause: Seconds


def run(order: Order, marking: dict[str, Any], *, languages: str | None, avatar: str | None) -> None:
    """Read, speak, film. Raises PolytalkError."""
    flags = {"languages": languages, "avatar": avatar, "marking": marking or None}
    settings = load_settings(**flags, turn=UNPACED, llm=SILENT_MIND)
    _check(order)
    mark = mark_of(settings, voice=order.recording is None)
    console = Console(highlight=False)
    runtime = Runtime(settings)
    parts = Parts(order.out)
    parts.open()
    if order.script is not None:
        narration = _narrated(runtime, order, order.script, parts, console)
        take = narration.take()
        if order.subtitles:
            _subtitle(order.out, order.subtitles, narration)
    else:
        assert order.recording is not None
        take = _recorded(runtime, order.recording, console)
    with Bar(console=console, transient=True) as bar:
        task = bar.add_task("Filming", total=None)
        with Drawing(settings, runtime.avatar(settings.avatar)) as drawing:
            length = film(
                drawing,
                take,
                order.out,
                size=order.size,
                mark=mark,
                on_frame=lambda done, total: bar.update(task, completed=done, total=total),
                parts=parts,
            )
    parts.remove()
    console.print(f"[green]✓[/green] {described(order.out, length, mark)}")


def _check(order: Order) -> None:
    if (order.script is None) == (order.recording is None):
        raise BadInput("give a script, or --audio with a recording: polytalk render script.txt --out clip.mp4")
    if order.subtitles not in (None, "srt", "vtt"):
        raise BadInput(f"--subtitles is srt or vtt, not {order.subtitles!r}")
    if order.subtitles and order.recording is not None:
        raise BadInput("--subtitles need a script: what a recording says is not known")
    check_target(order.out, order.size)


def _narrated(runtime: Runtime, order: Order, script: Path, parts: Parts, console: Console) -> Narration:
    """The script, spoken."""
    sentences = read_script(load_script(script), order.pause)
    settings = _session(runtime, order.voice, order.speed)
    narration = Narration(runtime, settings, sentences, parts)
    if narration.found:
        console.print(f"Going on: {narration.found} of {narration.different} sentences were made before.")

    async def make(on_sentence: Callable[[int, int], None]) -> None:
        async with runtime.running(lambda _: None):
            await narration.make(on_sentence)

    if narration.found < narration.different:
        with Bar(console=console, transient=True) as bar:
            task = bar.add_task("Waking the engines", total=None)
            uvloop.run(make(lambda done, total: bar.update(task, description="Speaking", completed=done, total=total)))
    return narration


def _recorded(runtime: Runtime, recording: Path, console: Console) -> Take:
    """The recording, with a mouth that moves to it."""
    sound = decode_audio(recording, SPEECH_RATE, max_seconds=LONGEST_RECORDING, max_bytes=1 << 30)
    settings = _session(runtime, None, 1.0)
    takes: list[Take] = []

    async def listen() -> None:
        async with runtime.running(lambda _: None):
            scope = Scope(runtime.dispatcher, new_id("render"), 0, Payer(tier=Tier.BATCH))
            takes.append(await recorded(scope, runtime.kit, settings, sound))

    with console.status("Listening …"):
        uvloop.run(listen())
    return takes[0]


def _session(runtime: Runtime, voice: str | None, speed: float) -> SessionSettings:
    avatar = runtime.avatar(runtime.settings.avatar)
    chosen = runtime.voices.get(voice).voice.id if voice else runtime.default_voice(avatar)
    return SessionSettings(avatar=avatar.id, voice=chosen, speed=speed)


def _subtitle(out: Path, form: str, narration: Narration) -> None:
    """Write the subtitles beside the clip."""
    shown = (cue for start, end, text in narration.times() for cue in cues(BEFORE + start, BEFORE + end, text))
    file = out.with_suffix(f".{form}")
    try:
        file.write_text(written("vtt" if form == "vtt" else "srt", shown), "utf-8")
    except OSError as error:
        raise SetupError(f"can't write {file}: {error.strerror or error}") from error
