"""`polytalk avatar …`: the commands and their flags. What they do is in `avatar.py`, imported when needed."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="avatar", help="Make avatars of photographs, and look after them.", no_args_is_help=True, add_completion=False
)
Key = Annotated[str, typer.Argument(metavar="ID", help="Which avatar.")]
NewKey = Annotated[str | None, typer.Option("--id", help="What clients call it.")]


@app.command()
def add(
    photograph: Annotated[Path, typer.Argument(help="A JPEG, PNG or WebP portrait.", exists=True, dir_okay=False)],
    name: Annotated[str, typer.Option("--name", "-n", help="What the avatar is called, and calls itself.")],
    consent: Annotated[str, typer.Option(help="The sentence by which the person shown agrees. It is kept.")] = "",
    consent_by: Annotated[str, typer.Option(help="Who agreed, where it is somebody else.")] = "",
    voice: Annotated[str, typer.Option("--voice", "-v", help="Its voice; the server's first one without.")] = "",
    key: NewKey = None,
) -> None:
    """Make an avatar of a photograph."""
    from polytalk.cli.avatar import add as run

    run(photograph, name=name, consent=consent, consent_by=consent_by, voice=voice, key=key)


@app.command("list")
def list_all() -> None:
    """Show all avatars."""
    from polytalk.cli.avatar import list_all as run

    run()


@app.command()
def show(key: Key) -> None:
    """Show what is known about one: the consent, what was found wanting, its files."""
    from polytalk.cli.avatar import show as run

    run(key)


@app.command()
def preview(
    key: Key,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="The PNG to write; ID.png without.")] = None,
) -> None:
    """Write its still picture."""
    from polytalk.cli.avatar import preview as run

    run(key, out or Path(f"{key}.png"))


@app.command()
def remove(key: Key, yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False) -> None:
    """Delete one, with its picture and the consent that was recorded."""
    from polytalk.cli.avatar import remove as run

    run(key, yes=yes)


@app.command("export")
def export_one(
    key: Key, out: Annotated[Path | None, typer.Argument(help="The file to write; ID.polytalk without.")] = None
) -> None:
    """Write one into a file that can be imported elsewhere."""
    from polytalk.cli.avatar import export_one as run

    run(key, out or Path(f"{key}.polytalk"))


@app.command("import")
def import_one(
    file: Annotated[Path, typer.Argument(help="What export wrote, or a drawing.", exists=True, dir_okay=False)],
    key: NewKey = None,
) -> None:
    """Add one that was made elsewhere."""
    from polytalk.cli.avatar import import_one as run

    run(file, key)
