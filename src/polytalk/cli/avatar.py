"""What `polytalk avatar` does: make a face of a photograph, look at it, carry it elsewhere, remove it."""

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

from polytalk.avatar import archive, intake, landmarks_home, manifest
from polytalk.avatar.library import Bundle, Library, taken
from polytalk.avatar.making import Order, make
from polytalk.avatar.manifest import PREVIEW
from polytalk.cache import shown
from polytalk.config import Settings, load_settings
from polytalk.dialogue.voices import Voices
from polytalk.engines import models, registry
from polytalk.errors import BadInput, StoreLost
from polytalk.store.store import exists, opened

STEPS = {
    "read": "Reading the picture",
    "find": "Looking for the face",
    "check": "Checking it",
    "build": "Building the mouth",
    "write": "Writing it down",
}


def add(photograph: Path, *, name: str, consent: str, consent_by: str, voice: str, key: str | None) -> None:
    """Make an avatar of a photograph. Raises PolytalkError."""
    settings, library = _library()
    called = manifest.given_name(name)
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    agreed = manifest.given_consent(consent, consent_by, now)
    chosen = manifest.check_id(key) if key else manifest.id_for(called["en"], library)
    if chosen in library:
        raise taken(chosen)
    data = _read(photograph, intake.MAX_BYTES)
    intake.recognise(data)
    order = Order(chosen, called, _voice(voice, settings), agreed)
    console = Console(highlight=False)
    _install_landmarks(console, settings)
    columns = (TextColumn("{task.description}"), BarColumn())
    with library.staging() as folder, Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=1.0)

        def report(step: str, share: float) -> None:
            bar.update(task, description=STEPS[step], completed=share)

        made = make(data, order, folder, settings.cache_folder, report)
        library.add(folder)
    for warned in made.warnings:
        console.print(f"[yellow]![/yellow] {warned.text['en']}")
    console.print(
        f"[green]✓[/green] {called['en']} is the avatar [bold]{chosen}[/bold]; a running server has it already.\n"
        f"  Look   polytalk avatar preview {chosen}\n"
        f"  Talk   polytalk serve --avatar {chosen}"
    )


def list_all() -> None:
    """Print all avatars, and folders that hold none."""
    settings, library = _library()
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    for title in ("Id", "Name", "Kind", "Voice", ""):
        table.add_column(title)
    for made in library.values():
        default = "default" if made.id == settings.avatar else ""
        table.add_row(made.id, made.name["en"], made.kind, made.voice or "[dim]first[/dim]", default)
    console = Console(highlight=False)
    console.print(table)
    for folder, why in library.broken.items():
        console.print(f"[red]✗[/red] {folder}: {why}")


def show(key: str) -> None:
    """Print one avatar's manifest. Raises BadInput."""
    made = _one(key)
    said, consent = made.manifest, made.manifest.consent
    rows = [
        ("Id", made.id),
        ("Name", ", ".join(f"{name} ({language})" for language, name in made.name.items())),
        ("Kind", made.kind),
        ("Voice", made.voice or "the first that the server has"),
        ("Made with", said.made_with),
        ("Consent", f"“{consent.statement}”" if consent else "none needed: a drawing of no real person"),
        *([("", f"by {consent.given_by}")] if consent and consent.given_by else []),
        *([("", f"recorded {consent.at}")] if consent else []),
        ("Digest", made.digest),
        *(("Warning", warned.text["en"]) for warned in said.warnings),
        *(("File", f"{name} ({entry.size / 1000:.1f} kB)") for name, entry in said.files.items()),
    ]
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(style="dim")
    for title, value in rows:
        table.add_row(title, value)
    Console(highlight=False, markup=False).print(table)


def preview(key: str, target: Path) -> None:
    """Write the still picture. Raises BadInput."""
    data = _one(key).read(PREVIEW)
    try:
        target.write_bytes(data)
    except OSError as error:
        raise BadInput(f"{target} can't be written: {error.strerror}") from None
    Console(highlight=False).print(f"[green]✓[/green] {target}")


def remove(key: str, *, yes: bool) -> None:
    """Delete one, after asking. Raises BadInput."""
    settings, library = _library()
    made = library.get(key)
    if not yes and not sys.stdin.isatty():
        raise BadInput(f"nobody is there to ask; say so: polytalk avatar remove {key} --yes")
    if not yes:
        typer.confirm(f"Delete {key} and its picture for good?", abort=True)
    library.remove(key)
    asyncio.run(_disown(settings, key))
    clips = shown.forget(settings.renders_folder(), made.digest) if made else 0
    Console(highlight=False).print(
        f"[green]✓[/green] {key} is gone" + (f", and {clips} kept clips of it" if clips else "")
    )


async def _disown(settings: Settings, key: str) -> None:
    """Whoever makes another avatar of this name makes it his own."""
    if not exists(settings):
        return
    try:
        async with opened(settings) as store:
            await store.owners.forget(key)
    except StoreLost as error:
        raise StoreLost(f"{key} is gone, but not who owned it: {error.message}") from None


def export_one(key: str, target: Path) -> None:
    """Write the bundle as one file. Raises BadInput."""
    size = archive.export(_one(key), target)
    Console(highlight=False).print(f"[green]✓[/green] {target} ({size / 1e6:.1f} MB)")


def import_one(file: Path, key: str | None) -> None:
    """Take in a bundle, or a drawing of one's own. Raises BadInput."""
    _, library = _library()
    data = _read(file, archive.MAX_BYTES)
    drawing = data.lstrip()[:1] == b"{"
    made = archive.wrap(data, library, key) if drawing else archive.take_in(data, library, key)
    Console(highlight=False).print(
        f"[green]✓[/green] {made.name['en']} is the avatar [bold]{made.id}[/bold]; a running server has it already."
    )


def _install_landmarks(console: Console, settings: Settings) -> None:
    if landmarks_home.installed(settings.cache_folder):
        return
    note = f"Installing the landmark model, once ({landmarks_home.MEGABYTES} MB, about a minute) …"
    with console.status(note):
        landmarks_home.install(settings.cache_folder)


def _library() -> tuple[Settings, Library]:
    settings = load_settings()
    return settings, Library(settings.avatars_folder)


def _one(key: str) -> Bundle:
    _, library = _library()
    made = library.get(key)
    if made is None:
        broken = f"; its folder can't be used: {library.broken[key]}" if key in library.broken else ""
        raise BadInput(f"there is no avatar {key!r}, there are {', '.join(library)}{broken}")
    return made


def _read(file: Path, most: int) -> bytes:
    """At most so many bytes of a file, whatever its size is said to be."""
    with file.open("rb") as stream:
        data = stream.read(most + 1)
    if len(data) > most:
        raise BadInput(f"{file} is larger than the {most // 1_000_000} MB that are read")
    return data


def _voice(name: str, settings: Settings) -> str:
    """The voice's own name. Raises BadInput for one that no engine of the settings has."""
    if not name:
        return ""
    models.use_cache(settings.cache_folder)
    engines = [registry.create("tts", choice.engine, choice.options) for choice in settings.tts_choices()]
    return Voices(engines).get(name).voice.id
