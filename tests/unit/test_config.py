"""One settings tree: file < environment < flags; every bad setting named."""

from pathlib import Path

import pytest

from polytalk.config import EngineChoice, Settings, load_settings
from polytalk.errors import ConfigError


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The settings file, not there yet."""
    path = tmp_path / "polytalk.toml"
    path.touch()
    monkeypatch.setenv("POLYTALK_CONFIG", str(path))
    return path


def test_without_anything_given_this_machine_is_served_in_english(file: Path) -> None:
    settings = load_settings()
    assert (settings.server.host, settings.languages) == ("127.0.0.1", ("en",))
    assert settings.cores >= 1


def test_flags_win_over_the_environment_and_that_over_the_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text('avatar = "from file"\nlog_level = "error"\n[server]\nhost = "::1"\nport = 1001\n')
    assert load_settings().server.port == 1001
    monkeypatch.setenv("POLYTALK_SERVER__PORT", "1002")
    monkeypatch.setenv("POLYTALK_AVATAR", "from environment")
    settings = load_settings(avatar="from flag", log_level=None)
    assert (settings.server.port, settings.server.host) == (1002, "::1")
    assert (settings.avatar, settings.log_level) == ("from flag", "error")


def test_an_empty_variable_is_one_that_is_not_set(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLYTALK_AVATAR", "")
    assert load_settings().avatar == "mira"


def test_languages_are_written_with_commas(file: Path) -> None:
    assert load_settings(languages="en, zh").languages == ("en", "zh")


def test_every_bad_setting_is_named_with_its_value(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text('avatarr = "x"\n[server]\nprot = 1\nport = 99999\n')
    monkeypatch.setenv("POLYTALK_LIMITS__MAX_SESSIONS", "many")
    with pytest.raises(ConfigError) as refused:
        load_settings(languages="fr")
    for named in ("avatarr", "server.prot", "server.port", "99999", "limits.max_sessions", "'many'", "'fr'"):
        assert named in refused.value.message


@pytest.mark.parametrize("languages", ["", ",", "english"])
def test_no_known_language_is_an_error(file: Path, languages: str) -> None:
    with pytest.raises(ConfigError, match="languages"):
        load_settings(languages=languages)


def test_a_file_that_is_no_toml_is_named(file: Path) -> None:
    file.write_text("[server")
    with pytest.raises(ConfigError, match=r"polytalk\.toml is not valid TOML: Expected"):
        load_settings()


def test_a_secret_is_not_shown(file: Path) -> None:
    file.write_text('[[tenants]]\nname = "acme"\ntoken = "secret-of-acme"\n')
    settings = load_settings()
    assert settings.tenants[0].token is not None
    assert settings.tenants[0].token.get_secret_value() == "secret-of-acme"
    assert "secret-of-acme" not in repr(settings)


def test_settings_do_not_change(file: Path) -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_settings().avatar = "theo"  # type: ignore[misc]


def names(*choices: EngineChoice) -> list[str]:
    return [choice.engine for choice in choices]


def test_engines_follow_the_languages() -> None:
    english, chinese, both = (
        Settings(languages=("en",)),
        Settings(languages=("zh",)),
        Settings(languages=("en", "zh")),
    )
    assert english.asr_choice().options == {"model": "tiny.en"}
    assert chinese.asr_choice().options == {"model": "base", "languages": ["zh"]}
    assert both.asr_choice().options == {"model": "base", "languages": ["en", "zh"]}
    assert names(*english.tts_choices()) == ["hibari", "joe"]
    assert names(*chinese.tts_choices()) == ["kokoro"]
    assert names(*both.tts_choices()) == ["hibari", "joe", "kokoro"]


def test_engines_that_are_named_are_left_as_they_are() -> None:
    asr = EngineChoice(engine="whisper", options={"model": "base"})
    tts = (EngineChoice(engine="openai"),)
    settings = Settings(languages=("en", "zh"), asr=asr, tts=tts)
    assert settings.asr_choice() == asr
    assert settings.tts_choices() == tts
    assert Settings(asr=EngineChoice(engine="openai")).asr_choice().options == {}


def test_options_are_added_to_what_the_languages_choose() -> None:
    asr = EngineChoice(engine="whisper", options={"threads": 2})
    assert Settings(asr=asr).asr_choice().options == {"model": "tiny.en", "threads": 2}


@pytest.mark.parametrize("variable", ["POLYTALK_SERVR__PORT", "POLYTALK_SERVER__PROT", "POLYTALK_AVATARS"])
def test_a_misspelt_variable_is_an_error(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "9000")
    with pytest.raises(ConfigError, match=variable):
        load_settings()


def test_a_variable_that_is_not_json_is_an_error_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLYTALK_TTS", "[hibari")
    with pytest.raises(ConfigError, match="tts"):
        load_settings()


def test_a_named_file_that_is_missing_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("POLYTALK_CONFIG", str(tmp_path / "missing.toml"))
    with pytest.raises(ConfigError, match=r"missing\.toml"):
        load_settings()


def test_options_of_an_engine_may_have_any_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLYTALK_LLM__ENGINE", "smollm2")
    monkeypatch.setenv("POLYTALK_LLM__OPTIONS__SLOTS", "4")
    assert load_settings().llm.options == {"slots": "4"}


def test_cores_for_vips_leave_some_to_others() -> None:
    assert load_settings(cores=4, vip_cores=1).vip_cores == 1
    with pytest.raises(ConfigError, match="leaves none of the 2 cores"):
        load_settings(cores=2, vip_cores=2)


def test_a_table_of_an_earlier_version_is_explained(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text('[face]\nengine = "phones"\n')
    with pytest.raises(ConfigError, match=r"\[face\] is gone: what moves the lips is \[mouth\] now"):
        load_settings()
    file.write_text("")
    monkeypatch.setenv("POLYTALK_FACE__ENGINE", "phones")
    with pytest.raises(ConfigError, match=r"POLYTALK_FACE__ENGINE names no setting any more: .*\[mouth\]"):
        load_settings()
