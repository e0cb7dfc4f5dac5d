"""`polytalk inspect`: what a clip says about its making."""

from pathlib import Path

import typer

from polytalk.media.marking import read_marking


def run(file: Path) -> None:
    """Print the marking. Raises BadInput for a file that is no media file."""
    marking = read_marking(file)
    if marking is None:
        typer.echo(f"{file} carries no AI-generated marking.")
        return
    word = "AI-generated" if marking.generated else "possibly AI-generated"
    typer.echo(f"{file} is {word}.\n  made by   {marking.producer}\n  clip id   {marking.produce_id}")
