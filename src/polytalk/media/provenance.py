"""Signed statements of where a file comes from: C2PA manifests, put in and read by `c2pa-python` (the extra `c2pa`).

The manifest says that the file was created, by what, and that it is of trained algorithmic media (IPTC's term for
generated content). Whoever changes a byte of the file breaks the signature.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from polytalk import __version__
from polytalk.errors import ConfigError, SetupError
from polytalk.media.whole import Seal

SIGNED: Final[Mapping[str, str]] = {
    ".mp4": "video/mp4",
    ".gif": "image/gif",
    ".wav": "audio/wav",
    ".mp3": "audio/mpeg",
    ".flac": "audio/flac",
}
"""Suffixes of the forms that can carry a manifest, and their media types. WebM and Ogg can't."""
SOURCE: Final = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"


@dataclass(frozen=True, slots=True)
class Provenance:
    """What a manifest says, and whether it can be believed."""

    signer: str
    """Who signed, as the certificate names him."""
    generated: bool
    """Whether it says that the content was generated."""
    valid: bool
    """Whether file and manifest are as they were signed."""
    trusted: bool
    """Whether the certificate also comes from a known authority."""
    problems: tuple[str, ...] = ()
    """Codes of the C2PA specification."""


def open_seal(certificate: Path, key: Path, algorithm: str, timestamps: str, producer: str) -> Seal:
    """What signs files: certificates and key in PEM, an algorithm such as es256, a time-stamping server or "".

    Raises ConfigError when they can't be used, SetupError when the library is missing.
    """
    c2pa = _library()
    signer = _signer(c2pa, certificate, key, algorithm, timestamps)
    signer.close()  # a wrong key is told now, not after an hour of filming

    def seal(file: Path) -> None:
        manifest = {
            "claim_generator_info": [{"name": "Polytalk", "version": __version__}],
            "title": f"AI-generated, by {producer}",
            "assertions": [
                {
                    "label": "c2pa.actions.v2",
                    "data": {
                        "actions": [
                            {
                                "action": "c2pa.created",
                                "digitalSourceType": SOURCE,
                                "softwareAgent": {"name": "Polytalk", "version": __version__},
                            }
                        ]
                    },
                }
            ],
        }
        beside = file.with_name(f".signed{file.name}")
        try:
            with (
                _signer(c2pa, certificate, key, algorithm, timestamps) as own,
                c2pa.Builder(manifest) as builder,
                file.open("rb") as source,
                beside.open("w+b") as target,
            ):
                builder.sign(own, SIGNED[file.suffix], source, target)
            beside.replace(file)
        except c2pa.C2paError as error:
            raise SetupError(f"the clip can't be signed: {error}; see marking.c2pa_* in the settings") from error
        finally:
            beside.unlink(missing_ok=True)

    return seal


def read_provenance(file: Path) -> Provenance | None:
    """The manifest of a file, None when it has none. Raises SetupError when the library is missing."""
    c2pa = _library()
    kind = SIGNED.get(file.suffix.lower())
    if kind is None:
        return None
    try:
        with file.open("rb") as stream:
            reader = c2pa.Reader.try_create(kind, stream)
            if reader is None:
                return None
            with reader:
                state = str(reader.get_validation_state())
                report: dict[str, Any] = msgspec.json.decode(reader.json())
    except c2pa.C2paError as error:
        return Provenance("nobody", generated=False, valid=False, trusted=False, problems=(str(error),))
    manifest = report["manifests"][report["active_manifest"]]
    failures = report.get("validation_results", {}).get("activeManifest", {}).get("failure", [])
    actions = [
        action
        for assertion in manifest.get("assertions", [])
        if assertion.get("label", "").startswith("c2pa.actions")
        for action in assertion["data"].get("actions", [])
    ]
    signature = manifest.get("signature_info", {})
    return Provenance(
        signer=str(signature.get("common_name") or signature.get("issuer") or "unknown"),
        generated=any(action.get("digitalSourceType") == SOURCE for action in actions),
        valid=state in ("Valid", "Trusted"),
        trusted=state == "Trusted",
        problems=tuple(sorted({failure["code"] for failure in failures})),
    )


def has_library() -> bool:
    """Whether manifests can be read and written here."""
    try:
        _library()
    except SetupError:
        return False
    return True


def _library() -> Any:
    try:
        import c2pa
    except ImportError:
        raise SetupError("C2PA needs a library that is not installed: pip install 'polytalk[c2pa]'") from None
    return c2pa


def _signer(c2pa: Any, certificate: Path, key: Path, algorithm: str, timestamps: str) -> Any:
    try:
        chain, secret = certificate.read_bytes(), key.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"can't read {error.filename}: {error.strerror}; see marking.c2pa_* in the settings"
        ) from None
    try:
        info = c2pa.C2paSignerInfo(algorithm.encode(), chain, secret, timestamps.encode() or None)
        return c2pa.Signer.from_info(info)
    except c2pa.C2paError as error:
        raise ConfigError(
            f"{certificate} and {key} can't sign with {algorithm}: {error}; give a PEM chain, the signer's certificate "
            "first, and its key"
        ) from None
