"""`polytalk avatar`, as typed, on a model that sees what the test says."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import SecretStr
from typer.testing import CliRunner, Result

from polytalk.avatar.library import Library
from polytalk.cli.main import app
from polytalk.config import Settings, StoreSettings
from polytalk.errors import BadInput, ConfigError
from polytalk.store.store import opened
from tests.support.photographs import CONSENT, encoded, face, person, pretend_model

Type = Callable[..., Result]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with a photograph, and a model that sees a face with parted lips in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("POLYTALK_CACHE_FOLDER", str(tmp_path / "cache"))
    monkeypatch.setenv("POLYTALK_AVATARS_FOLDER", str(tmp_path / "avatars"))
    pretend_model(tmp_path / "cache", face(gap=0.05))
    (tmp_path / "face.png").write_bytes(encoded(person(face(gap=0.05))))
    return tmp_path


def typed(*words: str, fails: bool = False) -> str:
    """What the command says, or the message it fails with."""
    done = CliRunner().invoke(app, ["avatar", *words], env={"COLUMNS": "300", "NO_COLOR": "1"})
    if not fails:
        assert done.exception is None, done.exception
        return done.output
    assert isinstance(done.exception, BadInput)
    return done.exception.message


ADD = ("add", "face.png", "--name", "Ann Lee", "--voice", "joe", "--consent", CONSENT)


def test_from_the_photograph_to_its_removal(home: Path) -> None:
    said = typed(*ADD)
    assert "ann-lee" in said
    assert "slightly parted" in said
    assert "ann-lee  Ann Lee  photo" in typed("list")
    shown = typed("show", "ann-lee")
    assert CONSENT in shown
    assert "slightly parted" in shown
    typed("preview", "ann-lee")
    assert (home / "ann-lee.png").read_bytes().startswith(b"\x89PNG")
    typed("export", "ann-lee", "x.polytalk")
    typed("import", "x.polytalk", "--id", "bob")
    typed("remove", "ann-lee", "--yes")
    library = Library(home / "avatars")
    assert list(library) == ["mira", "theo", "bob"]
    consent = library["bob"].manifest.consent
    assert consent is not None
    assert consent.statement == CONSENT


def test_who_is_removed_is_nobodys_any_more(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"sqlite:///{home}/store.db"
    monkeypatch.setenv("POLYTALK_STORE__URL", url)
    settings = Settings(store=StoreSettings(url=SecretStr(url)))

    async def owners(claims: str = "") -> dict[str, str]:
        async with opened(settings) as store:
            if claims:
                await store.owners.claim(claims, "acme")
            return await store.owners.all()

    typed(*ADD)
    assert asyncio.run(owners(claims="ann-lee")) == {"ann-lee": "acme"}
    typed("remove", "ann-lee", "--yes")
    assert asyncio.run(owners()) == {}


def test_who_is_removed_where_nothing_was_ever_kept_makes_no_database(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POLYTALK_STORE__URL", f"sqlite:///{home}/store.db")
    typed(*ADD)
    typed("remove", "ann-lee", "--yes")
    assert not (home / "store.db").exists()


def test_nothing_is_made_without_consent(home: Path) -> None:
    assert "agree" in typed("add", "face.png", "--name", "Ann", fails=True)
    assert not (home / "avatars").exists()


def test_what_is_refused_leaves_nothing(home: Path) -> None:
    (home / "face.svg.jpg").write_bytes(b"<svg/>")
    assert "SVG" in typed("add", "face.svg.jpg", *ADD[2:], fails=True)
    assert "no voice 'nobody'" in typed(*ADD, "--voice", "nobody", fails=True)
    assert "already" in typed(*ADD, "--id", "mira", fails=True)
    assert not (home / "avatars").exists()


def test_nobody_is_deleted_unasked(home: Path) -> None:
    typed(*ADD)
    assert "--yes" in typed("remove", "ann-lee", fails=True)
    assert "ann-lee" in Library(home / "avatars")


def test_an_avatar_of_one_s_own_may_be_the_default(home: Path) -> None:
    from polytalk.config import load_settings
    from polytalk.dialogue.runtime import Runtime

    with pytest.raises(ConfigError, match="ann-lee"):
        Runtime(load_settings(avatar="ann-lee"))
    typed(*ADD)
    assert Runtime(load_settings(avatar="ann-lee")).avatar("ann-lee").kind == "photo"


def test_the_folder_is_the_user_s_own_by_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from polytalk.config import load_settings

    monkeypatch.delenv("POLYTALK_AVATARS_FOLDER")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert load_settings().avatars_folder == tmp_path / "polytalk" / "avatars"
    assert "XDG_DATA_HOME" in os.environ
