"""Signed statements of where a file comes from, with certificates made for the test."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from polytalk.cli import inspect
from polytalk.errors import ConfigError
from polytalk.media.gif import GifWriter
from polytalk.media.marking import Marking, read_marking
from polytalk.media.mp4 import Mp4Writer
from polytalk.media.provenance import open_seal, read_provenance
from polytalk.media.sound import open_sound
from polytalk.media.whole import Seal

pytest.importorskip("c2pa", reason="the extra c2pa is not installed")
x509 = pytest.importorskip("cryptography.x509", reason="cryptography makes the test's certificates")


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A chain of two certificates, and the key of the first, as C2PA wants them (specification 2.1, 14.5)."""
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    folder = tmp_path_factory.mktemp("keys")
    root_key, own_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())

    def name(text: str) -> Any:
        return x509.Name(
            [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Test"), x509.NameAttribute(NameOID.COMMON_NAME, text)]
        )

    def certificate(subject: str, key: ec.EllipticCurvePrivateKey, *, authority: bool) -> Any:
        now = datetime.now(UTC)
        usage = {
            "digital_signature": not authority,
            "key_cert_sign": authority,
            "crl_sign": authority,
            "content_commitment": False,
            "key_encipherment": False,
            "data_encipherment": False,
            "key_agreement": False,
            "encipher_only": False,
            "decipher_only": False,
        }
        builder = (
            x509.CertificateBuilder()
            .subject_name(name(subject))
            .issuer_name(name("Test root"))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=30))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(x509.KeyUsage(**usage), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False)
        )
        if not authority:
            builder = builder.add_extension(
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=True
            )
        return builder.sign(root_key, hashes.SHA256())

    chain = (certificate("Test studio", own_key, authority=False), certificate("Test root", root_key, authority=True))
    pem = serialization.Encoding.PEM
    (folder / "chain.pem").write_bytes(b"".join(one.public_bytes(pem) for one in chain))
    (folder / "key.pem").write_bytes(
        own_key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return folder / "chain.pem", folder / "key.pem"


@pytest.fixture
def seal(keys: tuple[Path, Path]) -> Seal:
    return open_seal(*keys, "es256", "", "Test studio")


def write(target: Path, seal: Seal | None) -> Path:
    tags = Marking("maker", "clip_1").tags()
    if target.suffix in (".mp4", ".gif"):
        video = Mp4Writer(target, 64, 64, metadata=tags, seal=seal) if target.suffix == ".mp4" else None
        with video or GifWriter(target, 64, 64, 25, tags, seal=seal) as clip:
            for level in range(0, 250, 25):
                clip.write_frame(np.full((64, 64, 3), level, np.uint8))
    else:
        with open_sound(target, target.suffix, tags, seal=seal) as file:
            file.write_audio(bytes(48_000))
    return target


@pytest.mark.parametrize("form", ["mp4", "gif", "wav", "mp3", "flac"])
def test_a_sealed_file_says_who_signed_it_and_that_it_is_generated(form: str, tmp_path: Path, seal: Seal) -> None:
    file = write(tmp_path / f"clip.{form}", seal)
    found = read_provenance(file)
    assert found is not None
    assert (found.signer, found.generated, found.valid, found.trusted) == ("Test studio", True, True, False)
    assert read_marking(file) == Marking("maker", "clip_1")  # what stood in the file stands there still
    assert [one.name for one in tmp_path.iterdir()] == [file.name]


def test_a_changed_file_is_found_out(tmp_path: Path, seal: Seal, capsys: pytest.CaptureFixture[str]) -> None:
    file = write(tmp_path / "clip.mp4", seal)
    content = file.read_bytes()
    at = content.index(b"mdat") + 40
    file.write_bytes(content[:at] + bytes((content[at] ^ 1,)) + content[at + 1 :])
    found = read_provenance(file)
    assert found is not None
    assert not found.valid
    assert any("mismatch" in problem for problem in found.problems)
    inspect.run(file)
    assert "BROKEN" in capsys.readouterr().out


def test_inspect_tells_signed_and_unsigned_files_apart(
    tmp_path: Path, seal: Seal, capsys: pytest.CaptureFixture[str]
) -> None:
    inspect.run(write(tmp_path / "signed.wav", seal))
    assert "signed by Test studio" in capsys.readouterr().out
    inspect.run(write(tmp_path / "plain.wav", None))
    assert "no manifest" in capsys.readouterr().out


def test_keys_that_cannot_sign_are_told_before_anything_is_made(keys: tuple[Path, Path], tmp_path: Path) -> None:
    chain, _ = keys
    with pytest.raises(ConfigError, match="No such file"):
        open_seal(chain, tmp_path / "missing.pem", "es256", "", "x")
    (tmp_path / "no.pem").write_text("no key")
    with pytest.raises(ConfigError, match=r"no\.pem"):
        open_seal(chain, tmp_path / "no.pem", "es256", "", "x")
    with pytest.raises(ConfigError, match=r"chain\.pem"):
        open_seal(chain, chain, "es256", "", "x")
