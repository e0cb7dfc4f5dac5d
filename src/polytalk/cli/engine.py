"""`polytalk engine import`: a user's own checkpoint made into what an engine runs."""

from pathlib import Path

from rich.console import Console

from polytalk.config import load_settings
from polytalk.engines import models
from polytalk.engines.synthesise import wav2lip
from polytalk.errors import BadInput

KINDS = ("wav2lip",)


def take_in(kind: str, checkpoint: Path, name: str) -> None:
    """Raises BadInput, ModelMissing."""
    if kind not in KINDS:
        raise BadInput(f"no checkpoints of {kind!r} can be imported; there is {', '.join(KINDS)}")
    models.use_cache(load_settings().cache_folder)
    target = wav2lip.take_in(checkpoint, name)
    wav2lip.open_graph(target)
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"[green]✓[/green] {target} ({target.stat().st_size / 2**20:.0f} MiB). Use it with:\n")
    console.print(f'[[synthesise]]\nengine = "{kind}"\noptions = {{ model = "{name}" }}', markup=False)
    console.print("\nThe published weights are for research alone: see that yours may be used as you do.")
