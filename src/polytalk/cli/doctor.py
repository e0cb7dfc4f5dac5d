"""`polytalk doctor`: what is on this machine, what is missing, and what to do about it."""

import os
import shutil
import socket
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from rich.console import Console
from rich.table import Table

from polytalk.avatar import landmarks_home
from polytalk.avatar.library import Library
from polytalk.cli.doctor_calls import calls
from polytalk.cli.finding import Finding
from polytalk.cli.setup import missing
from polytalk.config import Settings, config_file, load_settings
from polytalk.dialogue.runtime import Runtime
from polytalk.errors import PolytalkError, SetupError

NEEDED_GIB = 1.5
"""Resident set of the default engines with room for a few dozen sessions."""
LIBRARIES = ("onnxruntime", "ctranslate2", "xllamacpp", "av", "uvicorn", "msgspec")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "firefox")


def run(languages: str | None) -> int:
    """Print the report; 0 when the server can run, else 1."""
    console = Console(highlight=False)
    findings = list(_look(languages))
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for finding in findings:
        sign = "[green]✓[/green]" if finding.good else "[red]✗[/red]" if finding.needed else "[yellow]![/yellow]"
        table.add_row(sign, finding.what, finding.found)
        if finding.advice and not finding.good:
            table.add_row("", "", f"[dim]→ {finding.advice}[/dim]")
    console.print(table)
    broken = [finding for finding in findings if finding.needed and not finding.good]
    console.print("\nEverything needed is here." if not broken else f"\n{len(broken)} of these must be mended first.")
    return 1 if broken else 0


def _look(languages: str | None) -> Iterator[Finding]:
    yield Finding(sys.version_info >= (3, 11), "Python", sys.version.split()[0], "install Python 3.11 or newer")
    cores = len(os.sched_getaffinity(0))
    yield Finding(cores >= 2, "CPU cores", str(cores), "one core serves one speaker at a time", needed=False)
    free = _available_gib()
    yield Finding(free >= NEEDED_GIB, "Memory available", f"{free:.1f} GiB", f"{NEEDED_GIB} GiB are needed")
    try:
        settings = load_settings(languages=languages)
    except PolytalkError as error:
        yield Finding(False, "Settings", error.message, f"mend {config_file()} or the environment")
        return
    source = str(config_file()) if config_file().exists() else "defaults and environment"
    yield Finding(True, "Settings", f"{source}; languages {', '.join(settings.languages)}")
    for name in LIBRARIES:
        yield _library(name)
    yield from _models(settings)
    yield from _avatars(settings)
    yield _disk(settings.cache_folder)
    yield _port(settings)
    yield from calls(settings)
    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    yield Finding(
        browser is not None, "Browser", browser or "none found", "any browser on your own machine will do", needed=False
    )


def _models(settings: Settings) -> Iterator[Finding]:
    absent = missing(settings)
    names = ",".join(settings.languages)
    yield Finding(
        not absent, "Model packages", ", ".join(absent) or "all installed", f"polytalk setup --languages {names}"
    )
    if absent:
        return
    try:
        runtime = Runtime(settings)
        for engine in runtime.workers.engines:
            try:
                engine.load()
                yield Finding(True, f"Engine {engine.name}", "its models are whole")
            except PolytalkError as error:
                yield Finding(False, f"Engine {engine.name}", error.message)
            finally:
                engine.close()
    except PolytalkError as error:
        yield Finding(False, "Engines", error.message)


def _avatars(settings: Settings) -> Iterator[Finding]:
    avatars = Library(settings.avatars_folder)
    yield Finding(True, "Avatars", ", ".join(avatars))
    for folder, why in avatars.broken.items():
        yield Finding(False, f"Avatar {folder}", why, f"polytalk avatar remove {folder} --yes", needed=False)
    try:
        ready = landmarks_home.installed(settings.cache_folder)
        found, advice = "ready" if ready else "not installed", "polytalk setup --photos"
    except SetupError as error:
        ready, found, advice = False, "not on this machine", error.message
    yield Finding(ready, "Avatars of photographs", found, advice, needed=False)


def _library(name: str) -> Finding:
    try:
        return Finding(True, f"Library {name}", version(name))
    except PackageNotFoundError:
        return Finding(False, f"Library {name}", "not installed", "run make serve, or pip install polytalk")


def _available_gib() -> float:
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) / 2**20
    return 0.0


def _disk(folder: Path) -> Finding:
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(existing).free / 2**30
    good = free >= 1 and os.access(existing, os.W_OK)
    return Finding(good, "Cache folder", f"{folder} ({free:.0f} GiB free)", "choose another: POLYTALK_CACHE_FOLDER=…")


def _port(settings: Settings) -> Finding:
    host, port = settings.server.host, settings.server.port
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return Finding(
                False, "Port", f"{host}:{port}: {error.strerror}", f"make serve PORT={port + 1}", needed=False
            )
    return Finding(True, "Port", f"{host}:{port} is free")
