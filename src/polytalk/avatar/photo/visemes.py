"""Mouth shapes as face engines set them, to build codebooks from and to look at. Parameters not named are 0."""

MOUTHS: dict[str, dict[str, float]] = {
    "rest": {},
    "m b p": {"jaw": 0.06, "press": 1.0},
    "f v": {"jaw": 0.1, "upper": 0.15, "lower": 1.0, "teeth": 0.55},
    "th": {"jaw": 0.2, "teeth": 0.45, "tongue": 0.75},
    "t d n l": {"jaw": 0.17, "teeth": 0.4, "tongue": 0.9},
    "s z": {"jaw": 0.07, "wide": 0.4, "teeth": 0.85, "tongue": 0.3},
    "sh ch": {"jaw": 0.12, "round": 0.5, "upper": 0.3, "teeth": 0.75, "tongue": 0.35},
    "w": {"jaw": 0.1, "round": 0.95},
    "ee": {"jaw": 0.16, "wide": 0.8, "upper": 0.25, "teeth": 0.5, "tongue": 0.35},
    "eh": {"jaw": 0.5, "wide": 0.5, "upper": 0.25, "teeth": 0.35, "tongue": 0.15},
    "ae": {"jaw": 0.72, "wide": 0.6, "upper": 0.3, "teeth": 0.35},
    "aa": {"jaw": 0.85, "wide": 0.25, "upper": 0.2, "teeth": 0.2},
    "oh": {"jaw": 0.45, "round": 0.75, "teeth": 0.05},
    "aw": {"jaw": 0.66, "round": 0.5, "teeth": 0.1},
    "oo": {"jaw": 0.17, "round": 0.95},
}
