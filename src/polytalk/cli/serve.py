"""`polytalk serve`: the whole server in one process, in the foreground."""

import logging
import time
from typing import Any

import uvloop
from rich.console import Console

from polytalk.config import Settings, load_settings
from polytalk.dialogue.runtime import Runtime
from polytalk.gateway.request_ids import NamesRequests
from polytalk.gateway.server import bind, serve
from polytalk.worker.group import Progress


def run(**flags: Any) -> None:
    """Serve until SIGINT or SIGTERM. Raises SetupError."""
    began = time.monotonic()
    settings = load_settings(**flags)
    listener = bind(settings.server)
    console = Console(highlight=False)
    runtime = Runtime(settings)
    for handler in logging.getLogger().handlers:
        handler.addFilter(NamesRequests())
    address = f"http://{settings.server.host}:{settings.server.port}"
    console.print(f"[bold]Polytalk[/bold] is getting ready at {address}")

    def report(progress: Progress) -> None:
        if progress.step == "ready":
            console.print(f"  [green]✓[/green] {progress.engine} [dim]{progress.seconds:.1f} s[/dim]")

    def ready() -> None:
        _welcome(console, settings, runtime, address, time.monotonic() - began)

    uvloop.run(serve(runtime, listener, report, ready))
    console.print("Polytalk has stopped.")


def _welcome(console: Console, settings: Settings, runtime: Runtime, address: str, took: float) -> None:
    avatars = ", ".join(avatar.name["en"] for avatar in runtime.avatars.values())
    voices = ", ".join(voice.id for voice in runtime.voices.all())
    console.print(
        f"\n[bold green]Ready[/bold green] after {took:.1f} s, on {settings.cores} cores.\n"
        f"  Talk      [bold]{address}[/bold]\n"
        f"  Avatars   {avatars}   Voices {voices}   Languages {', '.join(settings.languages)}\n"
        f"  Clients   ws{address[4:]}/v1/realtime (OpenAI Realtime protocol; no key needed here while there is none)\n"
        f'  Try next  polytalk ask "What can you do?" --out reply.mp4   ·   polytalk doctor\n'
        f"  Stop      Ctrl-C\n"
    )
