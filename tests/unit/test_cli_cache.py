"""`polytalk cache`, as far as it needs no models."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from polytalk.cache import files
from polytalk.cache.key import digest_bytes
from polytalk.cli import cache
from polytalk.cli.main import app
from polytalk.config import load_settings
from polytalk.dialogue.runtime import Runtime
from polytalk.errors import BadInput, ConfigError


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "none.toml").touch()
    monkeypatch.setenv("POLYTALK_CONFIG", str(tmp_path / "none.toml"))
    monkeypatch.setenv("POLYTALK_CACHE__DISK_BYTES", str(1 << 30))
    monkeypatch.setenv("POLYTALK_CACHE__FOLDER", str(tmp_path / "renders"))
    return tmp_path / "renders"


def test_stats_counts_what_is_there(folder: Path) -> None:
    for number in range(3):
        files.write(folder, digest_bytes(bytes([number])), bytes(1 << 20))
    shown = CliRunner().invoke(app, ["cache", "stats"])
    assert shown.exit_code == 0
    assert "3 renderings, 3.0 MiB" in shown.output


def test_prune_leaves_what_it_is_told_to(folder: Path) -> None:
    for number in range(3):
        files.write(folder, digest_bytes(bytes([number])), bytes(1 << 20))
    shown = CliRunner().invoke(app, ["cache", "prune", "--keep", str(2 << 20)])
    assert "2.0 MiB freed" in shown.output
    assert len(list(files.scan(folder))) == 1
    CliRunner().invoke(app, ["cache", "prune"])
    assert list(files.scan(folder)) == []


@pytest.mark.parametrize(
    ("content", "says"), [(b"\n \n", "no answers"), (b"\xff\xfe\xfa", "text"), (b"a" * 9_000, "8000")]
)
def test_answers_that_can_t_be_made_are_refused_before_an_engine_wakes(
    tmp_path: Path, content: bytes, says: str
) -> None:
    (tmp_path / "answers.txt").write_bytes(content)
    with pytest.raises(BadInput, match=says):
        cache.warm(tmp_path / "answers.txt", None, avatar=None, voice=None, languages=None, size=128)


def test_knowledge_of_an_avatar_that_is_not_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "faq.md").write_text("# Why?\nBecause.")
    with pytest.raises(ConfigError, match="nobody"):
        Runtime(load_settings(knowledge={"nobody": tmp_path / "faq.md"}))
