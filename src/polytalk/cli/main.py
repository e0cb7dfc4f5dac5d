"""`polytalk`: the commands and their flags. What they do is in the modules beside this one, imported when needed."""

import logging
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from polytalk import __version__
from polytalk.errors import PolytalkError

# One thread a library: the pool decides how many cores compute, and nested thread pools only fight each other.
# Set before numpy, ctranslate2 and OpenCV are imported, as they read it once.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

app = typer.Typer(
    name="polytalk",
    help="A server for talking digital humans: it listens, thinks, speaks, moves the lips, and can be interrupted.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    add_completion=False,
    pretty_exceptions_enable=False,
)

Languages = Annotated[str | None, typer.Option("--languages", "-l", help="What users speak: en, zh, or en,zh.")]
Avatar = Annotated[str | None, typer.Option("--avatar", "-a", help="Whose face: mira or theo.")]
Voice = Annotated[str | None, typer.Option("--voice", "-v", help="Another voice than the avatar's own.")]


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option("--port", "-p", help="Port to listen on.")] = None,
    languages: Languages = None,
    avatar: Avatar = None,
    llm: Annotated[str | None, typer.Option(help="LLM engine: smollm2, openai, echo, or one you installed.")] = None,
) -> None:
    """Run the server and the call page."""
    from polytalk.cli.serve import run
    from polytalk.config import EngineChoice

    server = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    # A choice of its own, not a table: the options of the file belong to the file's engine.
    chosen = EngineChoice(engine=llm) if llm else None
    run(server=server or None, languages=languages, avatar=avatar, llm=chosen)


@app.command()
def ask(
    question: Annotated[str | None, typer.Argument(help="What to ask, as text.")] = None,
    audio: Annotated[Path | None, typer.Option(help="Ask by a recording instead (wav, mp3, ogg, m4a, flac).")] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="The clip to write.")] = Path("reply.mp4"),
    avatar: Avatar = None,
    voice: Voice = None,
    languages: Languages = None,
    size: Annotated[int, typer.Option(min=128, max=1080, help="Width and height in pixels.")] = 512,
    label: Annotated[
        bool, typer.Option(help="Show that the clip is AI-generated. Metadata says so in any case.")
    ] = True,
) -> None:
    """Ask one question; the answer is an mp4 with speech and a moving face."""
    from polytalk.cli.ask import run

    run(question, audio, out, size=size, label=label, voice=voice, languages=languages, avatar=avatar)


@app.command()
def setup(languages: Languages = None) -> None:
    """Install the model packages that the chosen languages need, and prepare them."""
    from polytalk.cli.setup import run

    run(languages)


@app.command()
def doctor(languages: Languages = None) -> None:
    """Look at this machine and say what is there, what is missing, and what to do about it."""
    from polytalk.cli.doctor import run

    raise typer.Exit(run(languages))


@app.command()
def bank(
    url: Annotated[str, typer.Option(help="The server to ask.")] = "http://127.0.0.1:8080",
    entries: Annotated[int, typer.Option(min=0, max=1000, help="Newest entries of the ledger to show.")] = 0,
) -> None:
    """Show who is entitled to which compute, who borrowed, who lent, and who owes."""
    from polytalk.cli.bank import run

    run(url, entries)


@app.command()
def bench(
    calibrate: Annotated[
        bool, typer.Option("--calibrate", help="Measure every engine of the settings and keep the figures.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Keep them in this file instead of the cache folder.")
    ] = None,
    seconds: Annotated[
        float, typer.Option(min=1, max=3600, help="How long to measure, besides loading the engines.")
    ] = 45.0,
    languages: Languages = None,
) -> None:
    """Show what one turn costs on this machine, and how many people can talk at once.

    The figures are those that --calibrate kept; without them the engines are measured now.
    """
    from polytalk.cli.bench import run

    run(calibrating=calibrate, out=out, seconds=seconds, languages=languages)


@app.command()
def inspect(file: Annotated[Path, typer.Argument(help="A clip.", exists=True, dir_okay=False)]) -> None:
    """Show what a clip says about where it comes from."""
    from polytalk.cli.inspect import run

    run(file)


@app.command()
def plan(
    speakers: Annotated[int, typer.Option("--speakers", "-n", help="People in conversation at the same time.")],
    p95_ttfa: Annotated[float, typer.Option(help="Seconds from the end of speech to the first audio, p95.")] = 1.0,
    gpu: Annotated[str, typer.Option(help="Kind of machine: cpu, a10g, l40s, h100.")] = "cpu",
    face: Annotated[str | None, typer.Option(help="Face engine: phones (drawn by the client) or wav2lip.")] = None,
    calibration: Annotated[Path | None, typer.Option(help="Costs measured on this machine, with --gpu cpu.")] = None,
    price: Annotated[float | None, typer.Option(help="Dollars an hour of one machine, instead of the known.")] = None,
    live_room: Annotated[bool, typer.Option("--live-room", help="Viewers who ask about once a minute.")] = False,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write a page with curves (HTML).")] = None,
) -> None:
    """Simulate a crowd, and say how many machines it needs and what they cost."""
    from polytalk.cli.plan import choose, run

    machine = choose(gpu, face, calibration)
    run(speakers, machine, p95_ttfa=p95_ttfa, price=price, live_room=live_room, out=out)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"polytalk {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
    log_level: Annotated[str | None, typer.Option(help="debug, info, warning or error.")] = None,
) -> None:
    """Read what all commands share."""
    from polytalk.config import load_settings

    level = load_settings(log_level=log_level).log_level.upper()
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)


def main() -> None:
    """Run the command; our own errors end it with a sentence, not with a traceback."""
    try:
        app()
    except PolytalkError as error:
        typer.secho(f"polytalk: {error.message}", fg=typer.colors.RED, err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
