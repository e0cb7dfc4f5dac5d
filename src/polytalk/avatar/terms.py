"""The parameters of a face, and the terms (a parameter, or a product of two) that its deltas hang on."""

from collections.abc import Mapping
from typing import NamedTuple

from polytalk.errors import BadInput
from polytalk.types import MOUTH_PARAMS

SIGNED = ("brow", "gaze_x", "gaze_y", "head_x", "head_y", "head_roll", "breath")
"""Parameters in -1..1: brow up, gaze and head to the right and down, roll clockwise, breath in."""
PARAMETERS = (*MOUTH_PARAMS, "smile", *SIGNED)
"""Every parameter of a face; those not in `SIGNED` are in 0..1."""
_LOWEST = {name: -1.0 if name in SIGNED else 0.0 for name in PARAMETERS}


class Factor(NamedTuple):
    """A parameter, or one half of a signed one."""

    parameter: str
    half: str
    """"" for the value itself, "+" for max(0, value), "-" for max(0, -value)."""

    def value(self, parameters: Mapping[str, float]) -> float:
        """The factor under `parameters`: missing ones count as 0, values outside the range are clamped."""
        value = min(1.0, max(_LOWEST[self.parameter], parameters.get(self.parameter, 0.0)))
        if self.half:
            return max(0.0, value if self.half == "+" else -value)
        return value


class Term(NamedTuple):
    """A product of one or two factors."""

    factors: tuple[Factor, ...]

    def value(self, parameters: Mapping[str, float]) -> float:
        """The product under `parameters`."""
        product = 1.0
        for factor in self.factors:
            product *= factor.value(parameters)
        return product


def parse_term(text: str) -> Term:
    """`"jaw"`, `"jaw*press"`, `"-brow"`, `"+gaze_y*blink"` as a Term; raises BadInput."""
    parts = text.split("*")
    if len(parts) > 2:
        raise BadInput(f"term {text!r} has {len(parts)} factors; write a product of two at most")
    return Term(tuple(_parse_factor(part, text) for part in parts))


def _parse_factor(part: str, text: str) -> Factor:
    half = part[0] if part[:1] in ("+", "-") else ""
    name = part.removeprefix(half)
    if name not in PARAMETERS:
        raise BadInput(f"term {text!r} names no parameter {name!r}; there are {', '.join(PARAMETERS)}")
    if half and name not in SIGNED:
        raise BadInput(f"term {text!r} takes a half of {name!r}, which is never negative; leave out the sign")
    return Factor(name, half)
