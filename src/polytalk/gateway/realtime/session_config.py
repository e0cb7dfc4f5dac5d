"""The wire's session object and the dialogue's settings: one from the other, both ways."""

from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeVar

from msgspec import UNSET, Struct
from msgspec.structs import replace

from polytalk.config import Settings, VideoSettings
from polytalk.dialogue.endpointing import VadSettings
from polytalk.dialogue.settings import SessionSettings, TurnDetection, Video
from polytalk.dialogue.voices import Voices
from polytalk.errors import BadInput
from polytalk.gateway.realtime.client_events import (
    AudioFormat,
    AudioPatch,
    AvatarPatch,
    ResponseParam,
    SessionPatch,
    TurnDetectionPatch,
    VideoPatch,
)
from polytalk.media.fragments import AUDIO_CODECS, VIDEO_CODECS, Encoding
from polytalk.media.labels import LEAST_SIDE
from polytalk.types import SPEECH_RATE

EAGERNESS_MS = {"low": 800, "medium": 500, "auto": 500, "high": 300}
"""Silence that ends a turn for each eagerness of semantic_vad, until turns are judged by their words."""


T = TypeVar("T", bound=str)
LARGEST = 1080
"""Pixels a side."""


class Film(Struct, frozen=True):
    """How pictures that are drawn here are sent."""

    protocol: Literal["websocket", "media"]
    """Over this socket, or one of their own."""
    video: Video
    encoding: Encoding


class SessionConfig:
    """Applies patches, one whole or not at all, and shows the result."""

    def __init__(
        self,
        settings: Settings,
        voices: Voices,
        avatars: Mapping[str, str],
        session: SessionSettings,
        draws: Callable[[str], bool] = lambda avatar: True,
    ) -> None:
        """`avatars`: id -> default voice; `draws`: whether an avatar can be drawn here."""
        self._limits = settings.limits
        self._defaults = settings.turn
        self._voices = voices
        self._avatars = avatars
        self.session = session
        self._video = settings.video
        self._draws = draws
        self.film: Film | None = None
        """How pictures are sent, when the client wants any."""
        self.transcription: str | None = None
        """The transcription model's name as the client gave it; echoed, not used."""

    def apply(self, patch: SessionPatch) -> SessionSettings:
        """The session with the patch. Raises BadInput, and then nothing is changed."""
        session = self.session
        transcription = self.transcription
        film = self.film
        if patch.avatar is not UNSET:
            session = self._with_avatar(session, patch.avatar.character if patch.avatar else None, bool(patch.avatar))
            film = self._film(patch.avatar)
            session = replace(session, video=film and film.video)
            if film is not None and not self._draws(session.avatar):
                raise BadInput(
                    f"no engine here draws the avatar {session.avatar!r}; leave output_protocol out, and draw it there",
                    param="session.avatar.output_protocol",
                )
        if isinstance(patch.instructions, str):
            session = replace(session, instructions=self._bounded(patch.instructions, "session.instructions"))
        session = self._with_modality(session, patch.output_modalities)
        session = self._with_tokens(session, patch.max_output_tokens)
        if patch.audio is not None:
            session = self._with_output(session, patch.audio)
            given = patch.audio.input
            if given is not None:
                _check_format(given.format, "session.audio.input.format")
                if given.transcription is not UNSET:
                    transcription = given.transcription.model if given.transcription else None
                    language = given.transcription.language if given.transcription else None
                    session = replace(session, language=language)
                if given.turn_detection is not UNSET:
                    session = replace(session, turn_detection=self._detection(session, given.turn_detection))
        self.session, self.transcription, self.film = session, transcription, film
        return session

    def for_response(self, param: ResponseParam | None) -> SessionSettings:
        """The session's settings as one `response.create` changes them. Raises BadInput."""
        session = self.session
        if param is None:
            return session
        if param.instructions is not None:
            session = replace(session, instructions=self._bounded(param.instructions, "response.instructions"))
        session = self._with_modality(session, param.output_modalities)
        session = self._with_tokens(session, param.max_output_tokens)
        return session if param.audio is None else self._with_output(session, param.audio)

    def show(self, session_id: str, expires_at: int) -> dict[str, Any]:
        """The session as clients see it."""
        session = self.session
        pcm = {"type": "audio/pcm", "rate": SPEECH_RATE}
        shown: dict[str, Any] = {
            "type": "realtime",
            "object": "realtime.session",
            "id": session_id,
            "model": session.avatar,
            "output_modalities": [session.modality],
            "instructions": session.instructions,
            "tools": [],
            "tool_choice": "auto",
            "max_output_tokens": session.max_tokens,
            "tracing": None,
            "prompt": None,
            "expires_at": expires_at,
            "audio": {
                "input": {
                    "format": pcm,
                    "transcription": self.transcription and {"model": self.transcription, "language": session.language},
                    "noise_reduction": None,
                    "turn_detection": _shown_detection(session.turn_detection),
                },
                "output": {"format": pcm, "voice": session.voice, "speed": session.speed},
            },
        }
        if session.mouth:
            shown["avatar"] = {"character": session.avatar, "output_protocol": self.film and self.film.protocol}
            if self.film is not None:
                size = self.film.video.size
                shown["avatar"]["video"] = {
                    "codec": self.film.encoding.video,
                    "audio_codec": self.film.encoding.audio,
                    "resolution": {"width": size, "height": size},
                    "fps": self.film.video.fps,
                }
        return shown

    def _with_avatar(self, session: SessionSettings, character: str | None, mouth: bool) -> SessionSettings:
        if character is None or character == session.avatar:
            return replace(session, mouth=mouth)
        if character not in self._avatars:
            known = ", ".join(self._avatars)
            raise BadInput(
                f"there is no avatar {character!r}; the avatars here are {known}", param="session.avatar.character"
            )
        return replace(session, avatar=character, voice=self._avatars[character], mouth=mouth)

    def _film(self, patch: AvatarPatch | None) -> Film | None:
        if patch is None or patch.output_protocol is None:
            return None
        given, ours = patch.video or VideoPatch(), self._video
        size = ours.size, ours.size
        if given.resolution is not None:
            size = given.resolution.width, given.resolution.height
        side = picture_size(*size, ours, "session.avatar.video.resolution")
        fps = ours.fps if given.fps is None else given.fps
        if not 1 <= fps <= ours.fps:
            raise BadInput(
                f"pictures a second are 1 to {ours.fps:g} here, not {fps:g}", param="session.avatar.video.fps"
            )
        codec = _played(given.codec, ours.codec, VIDEO_CODECS, "session.avatar.video.codec")
        sound = _played(given.audio_codec, ours.audio_codec, AUDIO_CODECS, "session.avatar.video.audio_codec")
        encoding = Encoding(side, side, codec, sound)
        return Film(patch.output_protocol, Video(fps=fps, size=side), encoding)

    def _with_modality(self, session: SessionSettings, modalities: Any) -> SessionSettings:
        if not isinstance(modalities, list):
            return session
        modality: Literal["audio", "text"] = "audio" if "audio" in modalities or not modalities else "text"
        return replace(session, modality=modality)

    def _with_tokens(self, session: SessionSettings, tokens: Any) -> SessionSettings:
        most = self._limits.max_reply_tokens
        if isinstance(tokens, int):
            if tokens < 1:
                raise BadInput(f"max_output_tokens must be at least 1, not {tokens}", param="max_output_tokens")
            return replace(session, max_tokens=min(tokens, most))
        return replace(session, max_tokens=most) if tokens == "inf" else session

    def _with_output(self, session: SessionSettings, audio: AudioPatch) -> SessionSettings:
        given = audio.output
        if given is None:
            return session
        _check_format(given.format, "session.audio.output.format")
        if isinstance(given.voice, str):
            session = replace(session, voice=self._voices.get(given.voice).voice.id)
        if isinstance(given.speed, (int, float)):
            if not 0.25 <= given.speed <= 1.5:
                raise BadInput(f"speed must be 0.25 to 1.5, not {given.speed}", param="session.audio.output.speed")
            session = replace(session, speed=float(given.speed))
        return session

    def _detection(self, session: SessionSettings, patch: TurnDetectionPatch | None) -> TurnDetection | None:
        if patch is None:
            return None
        before = session.turn_detection or default_detection(self._defaults, self._limits.max_utterance_seconds)
        silence = patch.silence_duration_ms
        if patch.type == "semantic_vad":
            silence = EAGERNESS_MS[patch.eagerness or "auto"]
        changes: dict[str, Any] = {
            "threshold": patch.threshold,
            "prefix_padding_ms": patch.prefix_padding_ms,
            "silence_duration_ms": silence,
        }
        vad = VadSettings(
            **(_fields(before.vad) | {name: value for name, value in changes.items() if value is not None})
        )
        return TurnDetection(
            vad,
            before.create_response if patch.create_response is None else patch.create_response,
            before.interrupt_response if patch.interrupt_response is None else patch.interrupt_response,
        )

    def _bounded(self, text: str, param: str) -> str:
        most = self._limits.max_text_chars
        if len(text) > most:
            raise BadInput(f"{param} may have {most} characters, not {len(text)}", param=param)
        return text


def _played(given: str | list[str] | None, ours: T, known: tuple[T, ...], param: str) -> T:
    """Of what a client can play, what the settings name, else the first that it names and we know. Raises BadInput."""
    played = [given] if isinstance(given, str) else given
    if played is None or ours in played:
        return ours
    for name in played:
        for one in known:
            if one == name:
                return one
    raise BadInput(
        f"films here are {' or '.join(map(str, known))}, not {', '.join(played)[:80] or 'none'}", param=param
    )


def picture_size(width: int, height: int, ours: VideoSettings, param: str) -> int:
    """The side of pictures that are drawn here. Raises BadInput."""
    if width != height or width % 2 or not 64 <= width <= LARGEST:
        raise BadInput(
            f"pictures are square, of an even 64 to {LARGEST} pixels a side, not {width}x{height}", param=param
        )
    if ours.label and width < LEAST_SIDE:
        raise BadInput(
            f"pictures of {width} pixels have no room for the label that is printed on them here; ask for at least "
            f"{LEAST_SIDE}",
            param=param,
        )
    return width


def default_detection(turn: Any, max_utterance: float) -> TurnDetection:
    """server_vad as the settings have it."""
    return TurnDetection(
        VadSettings(
            turn.vad_threshold,
            turn.prefix_padding_ms,
            turn.silence_duration_ms,
            max_duration_ms=round(max_utterance * 1000),
        )
    )


def _fields(vad: VadSettings) -> dict[str, Any]:
    return {name: getattr(vad, name) for name in VadSettings.__dataclass_fields__}


def _shown_detection(detection: TurnDetection | None) -> dict[str, Any] | None:
    if detection is None:
        return None
    return {
        "type": "server_vad",
        "threshold": detection.vad.threshold,
        "prefix_padding_ms": detection.vad.prefix_padding_ms,
        "silence_duration_ms": detection.vad.silence_duration_ms,
        "create_response": detection.create_response,
        "interrupt_response": detection.interrupt_response,
        "idle_timeout_ms": None,
    }


def _check_format(given: Any, param: str) -> None:
    if not isinstance(given, AudioFormat):
        return
    if given.type != "audio/pcm":
        raise BadInput(f"audio is audio/pcm here, not {given.type!r}", param=f"{param}.type")
    if given.rate not in (None, SPEECH_RATE):
        raise BadInput(f"audio/pcm has {SPEECH_RATE} samples a second here, not {given.rate}", param=f"{param}.rate")
