"""`polytalk inspect`: what a file says about its making."""

from pathlib import Path

import typer

from polytalk.media.marking import read_marking, read_tags
from polytalk.media.provenance import SIGNED, has_library, read_provenance


def run(file: Path) -> None:
    """Print marking, statement and signature. Raises BadInput for a file that is no media file."""
    marking = read_marking(file)
    if marking is None:
        typer.echo(f"{file} carries no AI-generated marking.")
    else:
        word = "AI-generated" if marking.generated else "possibly AI-generated"
        typer.echo(f"{file} is {word}.\n  made by   {marking.producer}\n  clip id   {marking.produce_id}")
        if marking.propagator:
            typer.echo(f"  spread by {marking.propagator} {marking.propagate_id}")
    comment = read_tags(file).get("comment", "")
    if comment and not comment.startswith("AIGC="):
        typer.echo(f"  comment   {comment}")
    typer.echo(f"  C2PA      {_provenance(file)}")


def _provenance(file: Path) -> str:
    if file.suffix.lower() not in SIGNED:
        return f"none: {file.suffix} files have no place for it"
    if not has_library():
        return "not checked: pip install 'polytalk[c2pa]'"
    found = read_provenance(file)
    if found is None:
        return "no manifest"
    said = "says that it is AI-generated" if found.generated else "does not say that it is AI-generated"
    if not found.valid:
        return f"BROKEN ({', '.join(found.problems)}): the file was changed after it was signed"
    whom = "a known authority" if found.trusted else "no authority that is known here"
    return f"signed by {found.signer} (vouched for by {whom}), unchanged since, {said}"
