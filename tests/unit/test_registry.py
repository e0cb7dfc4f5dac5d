"""Engines by name, from entry points."""

from importlib.metadata import EntryPoint, EntryPoints

import pytest

from polytalk.engines import registry
from polytalk.errors import ConfigError


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    points = EntryPoints(
        [
            EntryPoint("mine", "builtins:dict", "polytalk.engines.tts"),
            EntryPoint("broken", "polytalk_of_nobody:engine", "polytalk.engines.tts"),
            EntryPoint("other", "polytalk_of_nobody:engine", "polytalk.engines.asr"),
        ]
    )
    monkeypatch.setattr(registry, "entry_points", lambda **by: points.select(**by))


@pytest.mark.usefixtures("installed")
def test_an_engine_of_a_users_package_is_made_with_its_options() -> None:
    assert registry.create("tts", "mine", {"speed": 2}) == {"speed": 2}
    assert registry.names("tts") == ["broken", "mine"]


@pytest.mark.usefixtures("installed")
def test_an_unknown_engine_is_an_error_that_names_the_installed_ones() -> None:
    with pytest.raises(ConfigError, match="there is no tts engine named 'other'; installed are: broken, mine"):
        registry.create("tts", "other", {})
    with pytest.raises(ConfigError, match="installed are: none"):
        registry.create("face", "mine", {})


@pytest.mark.usefixtures("installed")
def test_a_package_that_cannot_be_imported_is_named() -> None:
    with pytest.raises(ConfigError, match=r"the tts engine 'broken' \(polytalk_of_nobody:engine\) can't be imported"):
        registry.create("tts", "broken", {})


@pytest.mark.parametrize("kind", registry.KINDS)
def test_every_engine_that_is_shipped_can_be_made_and_refuses_unknown_options(kind: str) -> None:
    names = registry.names(kind)
    assert names
    for name in names:
        with pytest.raises(ConfigError, match="novelty"):
            registry.create(kind, name, {"novelty": 1})
