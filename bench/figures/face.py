"""What a face is worth, on rendered pictures: the package's avatars, and the portraits beside the checkout."""

from bench.plan import Plan
from bench.report import Figure
from polytalk.cli.facebench.command import PORTRAITS
from polytalk.cli.facebench.measure import GOALS, NOTES, faces, network
from polytalk.config import load_settings


def measure(_: Plan) -> Figure:
    """A row for every face; takes a minute each."""
    notes = list(NOTES)
    portraits = PORTRAITS if PORTRAITS.is_dir() else None
    if portraits is None:
        notes.append("portraits were left out: there are none beside this checkout (../shared/portraits)")
    rows = list(faces(load_settings(), portraits, notes.append))
    if (drawn := network(notes.append)) is not None:
        rows.append({name: drawn.get(name) for name in (rows[0] if rows else drawn)})
    return Figure("face", "The face", GOALS, rows, notes)
