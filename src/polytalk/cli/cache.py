"""`polytalk cache`: what is kept, less of it, or more of it before anybody asks."""

import shutil
from contextlib import AsyncExitStack
from pathlib import Path

import uvloop
from rich.console import Console
from rich.progress import Progress as Bar

from polytalk.cache.disk import DiskTier
from polytalk.cli.ask import UNPACED
from polytalk.config import Settings, load_settings
from polytalk.dialogue.capacity.payer import Payer
from polytalk.dialogue.clips.kept import clip
from polytalk.dialogue.clips.marks import mark_of
from polytalk.dialogue.clips.rehearsal import rehearse
from polytalk.dialogue.dispatch import Scope
from polytalk.dialogue.faces.drawing import Drawing
from polytalk.dialogue.ids import new_id
from polytalk.dialogue.runtime import Runtime
from polytalk.dialogue.settings import SessionSettings
from polytalk.errors import BadInput, PolytalkError
from polytalk.media.pcm import duration
from polytalk.types import SPEECH_RATE, Tier

MIB = 1 << 20


def stats() -> None:
    """Say what is on disk. Raises SetupError."""
    settings = load_settings()
    disk, _ = uvloop.run(_look(settings))
    console = Console(highlight=False)
    free = shutil.disk_usage(next(p for p in (disk.folder, *disk.folder.parents) if p.exists())).free
    if not settings.cache.disk_bytes:
        console.print("Nothing is kept on disk: cache.disk_bytes is 0.")
        return
    share = disk.used / settings.cache.disk_bytes
    console.print(
        f"{disk.folder}\n  {len(disk)} renderings, {disk.used / MIB:,.1f} MiB "
        f"({share:.1%} of {settings.cache.disk_bytes / MIB:,.0f} MiB; {free / MIB:,.0f} MiB are free on the disk)\n"
        f"  In memory a server keeps up to {settings.cache.memory_bytes / MIB:,.0f} MiB besides: see its /metrics."
    )


def prune(keep: int) -> None:
    """Drop the oldest files until `keep` bytes are left. Raises SetupError."""
    disk, freed = uvloop.run(_look(load_settings(), keep))
    Console(highlight=False).print(f"{freed / MIB:,.1f} MiB freed, {disk.used / MIB:,.1f} MiB kept in {disk.folder}")


def warm(
    file: Path, clips: Path | None, *, avatar: str | None, voice: str | None, languages: str | None, size: int
) -> None:
    """Make every line of the file: spoken, moved, and filmed into `clips` if that is given. Raises PolytalkError."""
    settings = load_settings(languages=languages, avatar=avatar, turn=UNPACED)
    if not settings.cache.disk_bytes:
        raise BadInput("cache.disk_bytes is 0, so nothing would be kept; give it some bytes")
    if clips is not None:
        clips.mkdir(parents=True, exist_ok=True)
    uvloop.run(_warm(settings, _lines(settings, file), clips, voice, size))


def _lines(settings: Settings, file: Path) -> list[str]:
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{file} can't be read as text: {error}") from None
    lines = list(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))
    if not lines:
        raise BadInput(f"{file} has no answers; write one a line")
    if long := next((line for line in lines if len(line) > settings.limits.max_text_chars), None):
        raise BadInput(f"an answer may have {settings.limits.max_text_chars} characters, not {len(long)}: {long[:60]}…")
    return lines


async def _warm(settings: Settings, lines: list[str], clips: Path | None, voice: str | None, size: int) -> None:
    console = Console(highlight=False)
    runtime = Runtime(settings)
    face = runtime.avatar(settings.avatar)
    mark = mark_of(settings)
    chosen = runtime.voices.get(voice).voice.id if voice else runtime.default_voice(face)
    asked = SessionSettings(avatar=face.id, voice=chosen)
    failed, seconds = 0, 0.0
    async with AsyncExitStack() as stack:
        with console.status("Waking the engines …"):
            await stack.enter_async_context(runtime.running(lambda _: None))
        drawing = stack.enter_context(Drawing(settings, face))
        with Bar(console=console, transient=True) as bar:
            for number, line in enumerate(bar.track(lines, description="Making"), 1):
                scope = Scope(runtime.dispatcher, new_id("warm"), 0, Payer(tier=Tier.BATCH))
                try:
                    said = await rehearse(scope, runtime.kit, asked, line)
                    seconds += duration(said.audio, SPEECH_RATE)
                    if clips is not None:
                        target = clips / f"{number:03d}.mp4"
                        await clip(runtime.tiers.disk, drawing, said, target, chosen, size, mark)
                except PolytalkError as error:
                    failed += 1
                    console.print(f"[yellow]![/yellow] line {number}: {error.message}")
    done = runtime.studio.renders.asked
    console.print(
        f"[green]✓[/green] {len(lines) - failed} answers, {seconds:.0f} s of speech: {done.computed} renderings made, "
        f"{done.kept} were there" + (f"; clips in {clips}" if clips else "")
    )
    if failed:
        raise BadInput(f"{failed} of {len(lines)} answers could not be made")


async def _look(settings: Settings, keep: int | None = None) -> tuple[DiskTier, int]:
    """The disk's tier as it is, or after pruning; and the bytes that freed."""
    disk = DiskTier(settings.renders_folder(), settings.cache.disk_bytes)
    try:
        await disk.open()
        return disk, 0 if keep is None else await disk.prune(keep)
    finally:
        disk.close()
