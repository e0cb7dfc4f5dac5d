"""What a bundle says about itself: whose face it is, that they agreed, and the digest of every file."""

import hashlib
import re
from collections.abc import Mapping
from itertools import chain, count
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from polytalk.errors import BadInput

FORMAT = "polytalk-avatar/2"
FILE = "avatar.json"
"""The manifest's name in its bundle."""
MAX_BYTES = 256_000
"""Of the manifest."""
MAX_FILES = 500
MAX_TOTAL_BYTES = 128_000_000
"""Of all files of a bundle, unpacked."""
ART, PORTRAIT, PREVIEW = "art.json", "portrait.png", "preview.png"
FACE = "face/face.json"
"""Of a photograph: what was built of it, by `avatar/photo`."""
"""An illustrated avatar's drawing (bundle.py), a photographed one's picture, and a still of either."""
NEEDED = {"illustrated": (ART,), "photo": (PORTRAIT, PREVIEW)}
STATEMENT = (10, 2_000)
"""Characters of a consent statement."""

Id = Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9-]{0,31}\\Z")]
Word = Annotated[str, Meta(pattern="^[^\\x00-\\x1f\\x7f]{1,40}\\Z")]
"""A name for people: one line, since it is also said to the language model."""
FileName = Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9_-]*(\\.[a-z0-9]+)?(/[a-z0-9][a-z0-9_-]*(\\.[a-z0-9]+)?)?\\Z")]
"""Lower case, one folder deep at most: nothing in it can lead out of the bundle."""


class Consent(Struct, frozen=True):
    """That the person shown agreed to it."""

    statement: Annotated[str, Meta(min_length=STATEMENT[0], max_length=STATEMENT[1])]
    given_by: Annotated[str, Meta(max_length=200)]
    at: Annotated[str, Meta(pattern="^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ\\Z")]
    """When it was recorded, UTC."""


class FileEntry(Struct, frozen=True):
    """A file of the bundle."""

    size: Annotated[int, Meta(ge=0, le=MAX_TOTAL_BYTES)]
    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}\\Z")]


class Warned(Struct, frozen=True):
    """What was found wanting when it was made, by language."""

    code: str
    text: dict[str, str]


class Manifest(Struct, frozen=True, omit_defaults=True):
    """One avatar."""

    format: Literal["polytalk-avatar/2"]
    kind: Literal["photo", "illustrated"]
    id: Id
    name: dict[str, Word]
    """By ISO 639-1 code; "en" is always there."""
    voice: Annotated[str, Meta(max_length=64)]
    """The default voice; empty for the first that the server has."""
    style: Annotated[str, Meta(max_length=64)]
    made_with: Annotated[str, Meta(max_length=40)]
    """The Polytalk version that made it."""
    files: dict[FileName, FileEntry]
    consent: Consent | None = None
    warnings: list[Warned] = []

    @property
    def digest(self) -> str:
        """SHA-256 over the names and digests of the files: changes when the picture does, not with name or voice."""
        lines = "".join(f"{entry.sha256} {name}\n" for name, entry in sorted(self.files.items()))
        return hashlib.sha256(lines.encode()).hexdigest()


def parse(data: bytes) -> Manifest:
    """Check the bytes of a manifest; raises BadInput."""
    if len(data) > MAX_BYTES:
        raise BadInput(f"the manifest has {len(data)} bytes; {MAX_BYTES} at most", code="bundle_invalid")
    try:
        version = msgspec.json.decode(data, type=_Versioned).format
        if version != FORMAT:
            raise BadInput(
                f"the bundle's format is {version[:40]!r} and this version reads {FORMAT}; "
                "export it anew from the Polytalk that made it, or update this one",
                code="bundle_invalid",
            )
        manifest = msgspec.json.decode(data, type=Manifest)
    except msgspec.DecodeError as error:
        raise BadInput(f"{FILE} is no manifest of a bundle: {error}", code="bundle_invalid") from None
    check(manifest)
    return manifest


def check(manifest: Manifest) -> None:
    """What the types don't say. Raises BadInput."""
    if "en" not in manifest.name:
        raise BadInput('the bundle has no English name; add "en" to `name`', code="bundle_invalid")
    if manifest.kind == "photo" and manifest.consent is None:
        raise BadInput("the bundle shows a person and records no consent", code="consent_required", param="consent")
    total = sum(entry.size for entry in manifest.files.values())
    if len(manifest.files) > MAX_FILES or total > MAX_TOTAL_BYTES:
        raise BadInput(
            f"the bundle has {len(manifest.files)} files of {total} bytes; at most {MAX_FILES} of {MAX_TOTAL_BYTES}",
            code="bundle_invalid",
        )
    for name in NEEDED[manifest.kind]:
        if name not in manifest.files:
            raise BadInput(f"the bundle has no {name}", code="bundle_invalid")
    if FILE in manifest.files:
        raise BadInput(f"the manifest lists itself; take {FILE} out of `files`", code="bundle_invalid")


def given_consent(statement: str, given_by: str, at: str) -> Consent:
    """A consent from what somebody typed. Raises BadInput when that is none."""
    said = " ".join(statement.split())
    if not STATEMENT[0] <= len(said) <= STATEMENT[1]:
        raise BadInput(
            "a face needs the consent of the person it belongs to, in a sentence of "
            f'{STATEMENT[0]} to {STATEMENT[1]} characters, such as "I, Ann Lee, agree that Example Ltd lets my '
            f'portrait speak on its site"; this has {len(said)}',
            code="consent_required",
            param="consent",
        )
    return Consent(said, " ".join(given_by.split())[:200], at)


def given_name(text: str) -> dict[str, str]:
    """A name for people from what somebody typed. Raises BadInput."""
    name = " ".join(text.split())
    if not name or len(name) > 40 or not name.isprintable():
        raise BadInput(f"a name has 1 to 40 characters on one line, not {text[:60]!r}", param="name")
    return {"en": name}


def id_for(name: str, taken: Mapping[str, object]) -> str:
    """A free id that looks like the name: "Ann Lee" is ann-lee; names without Latin letters are numbered."""
    base = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:24].strip("-") or "face"
    return next(one for one in chain((base,), (f"{base}-{number}" for number in count(2))) if one not in taken)


def check_id(text: str) -> str:
    """An id as it was given. Raises BadInput."""
    try:
        return msgspec.convert(text, Id)
    except msgspec.ValidationError:
        raise BadInput(
            f"an id has 1 to 32 lower-case letters, digits and dashes, such as ann-lee; not {text[:60]!r}", param="id"
        ) from None


class _Versioned(Struct):
    format: str
