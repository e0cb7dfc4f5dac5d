"""`polytalk engine import`: a user's own checkpoint made into what an engine runs."""

from pathlib import Path

from rich.console import Console

from polytalk.cli.facebench.said import by_voice
from polytalk.config import load_settings
from polytalk.engines import models
from polytalk.engines.synthesise import wav2lip, wav2lip_book
from polytalk.errors import BadInput, PolytalkError

KINDS = ("wav2lip",)
TEXTS = (
    "The quick brown fox jumps over the lazy dog, while five big boxes of puppets move by.",
    "She sells sea shells by the shore; who would choose to lose both of those shoes?",
    "You, too, could do it: open wide, and say ah, father, far off in the calm park.",
    "My mum bought a big blue umbrella in Bombay, maybe because it might pour.",
    "Every evening the three thieves think of very nice cheese, feet, teeth and keys.",
    "Go home alone, slow boat; would a good cook look at the wood, or boil the oil now?",
)
"""Every sound of English, in several surroundings."""


def take_in(kind: str, checkpoint: Path, name: str) -> None:
    """Raises BadInput, ModelMissing."""
    if kind not in KINDS:
        raise BadInput(f"no checkpoints of {kind!r} can be imported; there is {', '.join(KINDS)}")
    models.use_cache(load_settings().cache_folder)
    target = wav2lip.take_in(checkpoint, name)
    wav2lip.open_graph(target)
    console = Console(highlight=False, soft_wrap=True)
    codebooks = _speak(name, console)
    console.print(f"[green]✓[/green] {target} ({target.stat().st_size / 2**20:.0f} MiB). Use it with:\n")
    console.print(f'[[synthesise]]\nengine = "{kind}"\noptions = {{ model = "{name}" }}', markup=False)
    if codebooks:
        console.print(
            '\nWithout a GPU, add draw = "codebook" to the options: the network draws 192 mouths of an avatar once, '
            "and they are played at a fortieth of the cost."
        )
    console.print("\nThe published weights are for research alone: see that yours may be used as you do.")


def _speak(name: str, console: Console) -> bool:
    """Keep the speech that codebooks are drawn to; whether that could be done."""
    try:
        spoken = [(one.audio, one.mouth) for one in by_voice(load_settings(), TEXTS)]
        wav2lip_book.write_moments(wav2lip.moments_file(name), wav2lip_book.choose(spoken))
    except PolytalkError as error:
        console.print(f"[yellow]![/yellow] No voice could speak ({error.message}), so this model draws no codebooks.")
        return False
    return True
