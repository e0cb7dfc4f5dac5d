"""The wire's session and the dialogue's settings: patches whole or not at all, and shown as they hold."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polytalk.config import Settings
from polytalk.dialogue.ears.completeness import Eagerness, Verdict, patience
from polytalk.dialogue.settings import SessionSettings
from polytalk.dialogue.voices import Voices
from polytalk.errors import BadInput
from polytalk.gateway.realtime.detection import default_detection
from polytalk.gateway.realtime.session_config import SessionConfig
from polytalk.gateway.realtime.session_patch import ResponseParam, SessionPatch
from tests.support.engines import ScriptedTts

SETTINGS = Settings()
LONGEST = SETTINGS.limits.max_text_chars


def config(settings: Settings = SETTINGS) -> SessionConfig:
    session = SessionSettings(
        avatar="mira",
        voice="vera",
        turn_detection=default_detection(SETTINGS.turn, SETTINGS.limits.max_utterance_seconds),
        max_tokens=SETTINGS.limits.max_reply_tokens,
    )
    return SessionConfig(settings, Voices([ScriptedTts()]), {"mira": "vera", "theo": "wei"}, session)


def patch(of: SessionConfig, **fields: Any) -> SessionSettings:
    return of.apply(msgspec.convert({"type": "realtime", **fields}, SessionPatch))


def detection(of: SessionConfig, **fields: Any) -> SessionSettings:
    return patch(of, audio={"input": {"turn_detection": fields}})


def test_what_is_left_out_stays() -> None:
    of = config()
    before = of.session
    assert patch(of) == before
    assert patch(of, audio={"input": {}, "output": {}}) == before


def test_every_field_can_be_changed() -> None:
    of = config()
    session = patch(
        of,
        output_modalities=["text"],
        instructions="Be brief.",
        max_output_tokens=7,
        avatar={"character": "theo"},
        audio={
            "input": {
                "format": {"type": "audio/pcm", "rate": 24000},
                "transcription": {"model": "whisper-1", "language": "zh"},
                "turn_detection": {
                    "type": "server_vad",
                    "threshold": 0.7,
                    "prefix_padding_ms": 100,
                    "silence_duration_ms": 200,
                    "create_response": False,
                    "interrupt_response": False,
                },
            },
            "output": {"voice": "vera", "speed": 1.25},
        },
    )
    assert (session.modality, session.instructions, session.max_tokens) == ("text", "Be brief.", 7)
    assert (session.avatar, session.mouth, session.voice, session.speed) == ("theo", True, "vera", 1.25)
    assert session.language == "zh"
    found = session.turn_detection
    assert found is not None
    assert (found.create_response, found.interrupt_response) == (False, False)
    assert (found.vad.threshold, found.vad.prefix_padding_ms, found.vad.silence_duration_ms) == (0.7, 100, 200)
    assert of.session == session


def test_turn_detection_is_turned_off_by_null_and_on_again_as_it_was_configured() -> None:
    of = config()
    assert patch(of, audio={"input": {"turn_detection": None}}).turn_detection is None
    assert of.show("sess", 0)["audio"]["input"]["turn_detection"] is None
    again = detection(of, type="server_vad").turn_detection
    assert again == default_detection(SETTINGS.turn, SETTINGS.limits.max_utterance_seconds)


@pytest.mark.parametrize("eagerness", ["low", "medium", "high", "auto"])
def test_until_words_are_known_semantic_turn_detection_waits_as_for_words_that_say_little(eagerness: Eagerness) -> None:
    of = config()
    found = detection(of, type="semantic_vad", eagerness=eagerness, create_response=False).turn_detection
    assert found is not None
    assert (found.eagerness, found.vad.silence_duration_ms) == (eagerness, patience(Verdict.UNCLEAR, eagerness))
    shown = of.show("sess", 0)["audio"]["input"]["turn_detection"]
    assert shown == {
        "type": "semantic_vad",
        "eagerness": eagerness,
        "create_response": False,
        "interrupt_response": True,
    }


def test_silence_counts_again_after_semantic_turn_detection() -> None:
    of = config()
    detection(of, type="semantic_vad", eagerness="low")
    found = detection(of, type="server_vad", threshold=0.6).turn_detection
    assert found is not None
    assert found.eagerness is None
    assert (found.vad.threshold, found.vad.silence_duration_ms) == (0.6, SETTINGS.turn.silence_duration_ms)


def test_an_avatar_brings_its_own_voice_and_asking_for_one_turns_the_mouth_on() -> None:
    of = config()
    assert patch(of, avatar={}).mouth
    assert patch(of, avatar={"character": "theo"}).voice == "wei"
    assert not patch(of, avatar=None).mouth


def test_a_stock_voice_is_heard_as_one_of_ours() -> None:
    of = config()
    assert patch(of, audio={"output": {"voice": "alloy"}}).voice == "vera"
    assert patch(of, audio={"output": {"voice": "onyx"}}).voice == "wei"


def test_more_tokens_than_allowed_are_the_most_allowed() -> None:
    most = SETTINGS.limits.max_reply_tokens
    assert patch(config(), max_output_tokens=10**9).max_tokens == most
    assert patch(config(), max_output_tokens="inf").max_tokens == most


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "unknown voice": ({"audio": {"output": {"voice": "nobody"}}}, "voices here are vera, wei"),
    "unknown avatar": ({"avatar": {"character": "nobody"}}, "avatars here are mira, theo"),
    "another rate in": ({"audio": {"input": {"format": {"type": "audio/pcm", "rate": 16000}}}}, "not 16000"),
    "another rate out": ({"audio": {"output": {"format": {"type": "audio/pcm", "rate": 8000}}}}, "not 8000"),
    "another codec": ({"audio": {"input": {"format": {"type": "audio/opus"}}}}, "not 'audio/opus'"),
    "another rate": ({"audio": {"output": {"format": {"type": "audio/pcmu", "rate": 16000}}}}, "8000 samples a second"),
    "idle too soon": ({"audio": {"input": {"turn_detection": {"idle_timeout_ms": 10}}}}, "must be 5000 to 30000"),
    "a tool of another kind": ({"tools": [{"type": "mcp", "server_label": "x"}]}, "tools are functions here"),
    "a tool without a name": ({"tools": [{"type": "function"}]}, "a function's name is"),
    "two tools of a name": ({"tools": [{"name": "a"}, {"name": "a"}]}, "two functions 'a'"),
    "no such function": ({"tool_choice": {"type": "function", "name": "ghost"}}, "there is no such function"),
    "a track that is not there": ({"avatar": {"output_protocol": "webrtc"}}, "to no others"),
    "a background": (
        {"avatar": {"output_protocol": "media", "video": {"background": {"color": "#00ff00"}}}},
        "can't be changed",
    ),
    "a thin film": ({"avatar": {"output_protocol": "media", "video": {"bitrate": 10}}}, "bitrate is 100000 to"),
    "an odd crop": (
        {"avatar": {"output_protocol": "media", "video": {"crop": {"top_left": [1, 0], "bottom_right": [99, 98]}}}},
        "on even ones",
    ),
    "a crop outside": (
        {"avatar": {"output_protocol": "media", "video": {"crop": {"top_left": [0, 0], "bottom_right": [98, 514]}}}},
        "within 512x512",
    ),
    "no such prompt": ({"prompt": {"id": "pmpt_1"}}, "there is no prompt 'pmpt_1'"),
    "too fast": ({"audio": {"output": {"speed": 9.0}}}, "speed must be 0.25 to 1.5, not 9.0"),
    "no tokens": ({"max_output_tokens": 0}, "at least 1, not 0"),
    "long instructions": ({"instructions": "x" * (LONGEST + 1)}, f"may have {LONGEST} characters"),
    "threshold": ({"audio": {"input": {"turn_detection": {"threshold": 1.5}}}}, "threshold must be"),
    "padding": ({"audio": {"input": {"turn_detection": {"prefix_padding_ms": -1}}}}, "prefix_padding_ms must be"),
    "endless padding": ({"audio": {"input": {"turn_detection": {"prefix_padding_ms": 10**9}}}}, "must be at"),
}


@pytest.mark.parametrize(("fields", "message"), BAD.values(), ids=BAD)
def test_a_patch_with_a_bad_field_changes_nothing(fields: dict[str, Any], message: str) -> None:
    of = config()
    good: dict[str, Any] = {"output_modalities": ["text"]}
    if "instructions" not in fields:
        good["instructions"] = "Be brief."
    shown = of.show("sess", 0)
    with pytest.raises(BadInput, match=message) as refused:
        patch(of, **good | fields)
    assert refused.value.param
    assert of.show("sess", 0) == shown
    assert of.session == config().session


def test_what_is_shown_is_what_holds() -> None:
    of = config()
    session = patch(
        of,
        instructions="Be brief.",
        avatar={"character": "theo"},
        audio={"input": {"transcription": {"model": "gpt-4o-transcribe", "language": "en"}}, "output": {"speed": 0.5}},
    )
    shown = of.show("sess_1", 1_900_000_000)
    assert (shown["type"], shown["id"], shown["expires_at"]) == ("realtime", "sess_1", 1_900_000_000)
    assert (shown["instructions"], shown["output_modalities"]) == ("Be brief.", ["audio"])
    assert shown["audio"]["output"] == {
        "format": {"type": "audio/pcm", "rate": 24000},
        "voice": session.voice,
        "speed": 0.5,
    }
    assert shown["audio"]["input"]["transcription"] == {"model": "gpt-4o-transcribe", "language": "en"}
    assert shown["audio"]["input"]["turn_detection"]["interrupt_response"] is True
    assert shown["avatar"]["character"] == "theo"


def test_how_a_film_is_sent_is_shown() -> None:
    of = config()
    crop = {"top_left": [64, 0], "bottom_right": [448, 512]}
    video = {"codec": "vp9", "bitrate": 500_000, "resolution": {"width": 512, "height": 512}, "crop": crop}
    patch(of, avatar={"style": "casual", "output_protocol": "websocket", "video": video})
    shown = of.show("sess", 0)["avatar"]
    assert (shown["style"], shown["output_protocol"]) == ("casual", "websocket")
    assert video.items() <= shown["video"].items()
    assert of.film is not None
    assert (of.film.encoding.width, of.film.encoding.height, of.film.encoding.part_of) == (384, 512, (64, 0, 512, 512))


def test_what_a_face_is_drawn_by_can_be_asked_for_without_an_avatar() -> None:
    of = config()
    assert not patch(of, animation={"outputs": ["viseme_id"]}).mouth
    assert patch(of, animation={"outputs": ["blendshapes", "viseme_id"]}).mouth
    shown = of.show("sess", 0)
    assert shown["animation"] == {"outputs": ["blendshapes", "viseme_id"]}
    assert "avatar" not in shown
    assert not patch(of, animation=None).mouth


def test_without_an_avatar_none_is_shown() -> None:
    assert "avatar" not in config().show("sess", 0)


def test_one_answer_may_differ_from_the_session() -> None:
    of = config()
    before = of.session
    param = ResponseParam(instructions="Say bye.", output_modalities=["text"], max_output_tokens=3)
    session, coding = of.for_response(param)
    assert coding == "audio/pcm"
    assert (session.instructions, session.modality, session.max_tokens) == ("Say bye.", "text", 3)
    assert of.for_response(None) == (of.session, "audio/pcm")
    assert of.session == before
    with pytest.raises(BadInput, match="at least 1"):
        of.for_response(ResponseParam(max_output_tokens=0))


@given(st.floats(0.01, 1.0), st.integers(0, 10_000), st.integers(1, 10_000), st.booleans(), st.booleans())
def test_turn_detection_is_shown_as_it_was_set(
    threshold: float, padding: int, silence: int, create: bool, interrupt: bool
) -> None:
    given_detection = {
        "type": "server_vad",
        "threshold": threshold,
        "prefix_padding_ms": padding,
        "silence_duration_ms": silence,
        "create_response": create,
        "interrupt_response": interrupt,
    }
    of = config()
    detection(of, **given_detection)
    shown = of.show("sess", 0)["audio"]["input"]["turn_detection"]
    assert given_detection.items() <= shown.items()


def test_pictures_too_small_for_the_label_are_refused() -> None:
    labelled = config(SETTINGS.model_copy(update={"video": SETTINGS.video.model_copy(update={"label": True})}))
    small = {"output_protocol": "media", "video": {"resolution": {"width": 64, "height": 64}}}
    with pytest.raises(BadInput, match="room for the label"):
        patch(labelled, avatar=small)
    assert patch(config(), avatar=small).video is not None


@pytest.mark.parametrize(
    ("played", "ours", "sent"),
    [
        (None, "vp9", "vp9"),
        ("h264", "vp9", "h264"),
        (["h264", "vp9"], "vp9", "vp9"),
        (["av1", "vp9"], "h264", "vp9"),
        (["h264"], "vp9", "h264"),
    ],
)
def test_a_client_is_sent_what_it_plays(played: Any, ours: str, sent: str) -> None:
    of = config(SETTINGS.model_copy(update={"video": SETTINGS.video.model_copy(update={"codec": ours})}))
    patch(of, avatar={"output_protocol": "media", "video": {"codec": played, "audio_codec": ["aac"]}})
    assert of.film is not None
    assert (of.film.encoding.video, of.film.encoding.audio) == (sent, "aac")
    assert of.show("sess", 0)["avatar"]["video"]["codec"] == sent


@pytest.mark.parametrize("played", [[], ["av1"], ["hevc", "av1"]])
def test_who_plays_nothing_that_is_made_here_is_told_what_is(played: list[str]) -> None:
    with pytest.raises(BadInput, match="h264 or vp9") as refused:
        patch(config(), avatar={"output_protocol": "media", "video": {"codec": played}})
    assert refused.value.param == "session.avatar.video.codec"
