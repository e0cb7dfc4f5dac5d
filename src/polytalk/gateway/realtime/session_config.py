"""The wire's session object and the dialogue's settings: one from the other, both ways."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from polytalk.config import Settings
from polytalk.dialogue.conversation.tools import ToolChoice
from polytalk.dialogue.settings import SessionSettings
from polytalk.dialogue.voices import Voices
from polytalk.errors import BadInput
from polytalk.gateway.bounds import written
from polytalk.gateway.realtime import detection
from polytalk.gateway.realtime.avatar_options import (
    AvatarOptions,
    Film,
    Tracks,
    outputs_of,
    read_film,
    read_style,
    shown_avatar,
)
from polytalk.gateway.realtime.detection import default_detection
from polytalk.gateway.realtime.formats import Format, read_format, shown_format
from polytalk.gateway.realtime.prompts import prompted
from polytalk.gateway.realtime.session_patch import (
    AudioFormat,
    AudioPatch,
    InputPatch,
    NamedVoice,
    Prompt,
    ResponseParam,
    SessionPatch,
)
from polytalk.gateway.realtime.tools import read_choice, read_tools, shown_choice, shown_tools

ECHOED = ("parallel_tool_calls", "include", "prompt", "reasoning", "tracing", "truncation")
"""Fields that are taken as they are and shown again."""
ECHO_BYTES = 32 << 10
"""Of each of them, as JSON: all are sent with every `session.updated`."""
SPEEDS = (0.25, 1.5)


class SessionConfig:
    """Applies patches, one whole or not at all, and shows the result."""

    def __init__(
        self,
        settings: Settings,
        voices: Voices,
        avatars: Mapping[str, str],
        session: SessionSettings,
        draws: Callable[[str], bool] = lambda avatar: True,
        tracks: Tracks | None = None,
    ) -> None:
        """`avatars`: id -> default voice; `draws`: whether an avatar can be drawn here; `tracks`: of a call."""
        self._settings = settings
        self._limits = settings.limits
        self._voices = voices
        self._avatars = avatars
        self._draws = draws
        self.session = session
        self.avatar = AvatarOptions(asked=session.mouth, blendshapes=session.mouth)
        self.heard: Format = "audio/pcm"
        """How the client's audio comes …"""
        self.spoken: Format = "audio/pcm"
        """… and how ours goes."""
        self._transcription: dict[str, Any] | None = None
        """As the client gave it; all but the language is echoed and not used."""
        self._noise: dict[str, Any] | None = None
        self._echoed: dict[str, Any] = {"tracing": None, "prompt": None}
        self._tracks = tracks
        if draws(session.avatar) and (film := read_film(None, settings.video, tracks)) is not None:
            self.avatar = replace(self.avatar, film=film)
            self.session = replace(session, video=film.video)

    @property
    def film(self) -> Film | None:
        """How pictures are sent, when the client wants any."""
        return self.avatar.film

    def apply(self, patch: SessionPatch) -> SessionSettings:
        """The session with the patch. Raises BadInput, and then nothing is changed."""
        kept = dict(vars(self))
        try:
            self._apply(patch)
        except BadInput:
            vars(self).update(kept)
            raise
        return self.session

    def _apply(self, patch: SessionPatch) -> None:
        self._apply_avatar(patch)
        session = self.session
        if isinstance(patch.instructions, str):
            session = replace(session, instructions=self._bounded(patch.instructions, "session.instructions"))
        self._echoed = self._echoed | {
            name: _echo(given, f"session.{name}") for name in ECHOED if (given := getattr(patch, name)) is not UNSET
        }
        if isinstance(patch.prompt, msgspec.Struct):
            session = replace(session, instructions=self._prompted(patch.prompt, "session.prompt"))
        session = self._with_modality(session, patch.output_modalities)
        session = self._with_tokens(session, patch.max_output_tokens)
        session = self._with_tools(session, patch.tools, patch.tool_choice, "session")
        if patch.audio is not None:
            session, self.spoken = self._with_output(session, patch.audio, "session")
            if patch.audio.input is not None:
                session = self._with_input(session, patch.audio.input)
        self.session = session

    def for_response(self, param: ResponseParam | None) -> tuple[SessionSettings, Format]:
        """The session's settings and the answer's format as one `response.create` changes them. Raises BadInput."""
        session = self.session
        if param is None:
            return session, self.spoken
        if param.prompt is not None:
            session = replace(session, instructions=self._prompted(param.prompt, "response.prompt"))
        if param.instructions is not None:
            session = replace(session, instructions=self._bounded(param.instructions, "response.instructions"))
        session = self._with_modality(session, param.output_modalities)
        session = self._with_tokens(session, param.max_output_tokens)
        tools = UNSET if param.tools is None else param.tools
        choice = UNSET if param.tool_choice is None else param.tool_choice
        session = self._with_tools(session, tools, choice, "response")
        return (session, self.spoken) if param.audio is None else self._with_output(session, param.audio, "response")

    def show(self, session_id: str, expires_at: int) -> dict[str, Any]:
        """The session as clients see it."""
        session = self.session
        shown: dict[str, Any] = {
            "type": "realtime",
            "object": "realtime.session",
            "id": session_id,
            "model": session.avatar,
            "output_modalities": [session.modality],
            "instructions": session.instructions,
            "tools": shown_tools(session.tools),
            "tool_choice": shown_choice(session.tool_choice),
            "max_output_tokens": session.max_tokens,
            "expires_at": expires_at,
            **self._echoed,
            "audio": {
                "input": {
                    "format": shown_format(self.heard),
                    "transcription": self._transcription,
                    "noise_reduction": self._noise,
                    "turn_detection": detection.shown(session.turn_detection),
                },
                "output": {"format": shown_format(self.spoken), "voice": session.voice, "speed": session.speed},
            },
        }
        if self.avatar.asked:
            shown["avatar"] = shown_avatar(session.avatar, self.avatar)
        if self.avatar.blendshapes or self.avatar.visemes:
            names = {"blendshapes": self.avatar.blendshapes, "viseme_id": self.avatar.visemes}
            shown["animation"] = {"outputs": [name for name, on in names.items() if on]}
        if self.avatar.words:
            shown["output_audio_timestamp_types"] = ["word"]
        return shown

    def _apply_avatar(self, patch: SessionPatch) -> None:
        options, session = self.avatar, self.session
        if patch.avatar is not UNSET:
            given = patch.avatar
            session = self._with_character(session, given.character if given else None)
            options = replace(
                options,
                asked=given is not None,
                style=read_style(given.style if given else None),
                film=read_film(given, self._settings.video, self._tracks),
            )
            if options.film is not None and not self._draws(session.avatar):
                raise BadInput(
                    f"no engine here draws the avatar {session.avatar!r}; leave output_protocol out, and draw it there",
                    param="session.avatar.output_protocol",
                )
        if patch.animation is not UNSET or patch.avatar is not UNSET:
            animation = None if patch.animation is UNSET else patch.animation
            blendshapes, visemes = outputs_of(animation, asked=options.asked)
            options = replace(options, blendshapes=blendshapes or options.film is not None, visemes=visemes)
        if patch.output_audio_timestamp_types is not UNSET:
            options = replace(options, words=bool(patch.output_audio_timestamp_types))
        self.avatar = options
        self.session = replace(session, mouth=options.blendshapes, video=options.film and options.film.video)

    def _with_character(self, session: SessionSettings, character: str | None) -> SessionSettings:
        if character is None or character == session.avatar:
            return session
        if character not in self._avatars:
            known = ", ".join(self._avatars)
            raise BadInput(
                f"there is no avatar {character!r}; the avatars here are {known}", param="session.avatar.character"
            )
        return replace(session, avatar=character, voice=self._avatars[character])

    def _with_input(self, session: SessionSettings, given: InputPatch) -> SessionSettings:
        if isinstance(given.format, AudioFormat):
            self.heard = read_format(given.format, "session.audio.input.format")
        if given.noise_reduction is not UNSET:
            self._noise = _echo(given.noise_reduction, "session.audio.input.noise_reduction")
        if given.transcription is not UNSET:
            self._transcription = _echo(given.transcription, "session.audio.input.transcription")
            session = replace(session, language=given.transcription.language if given.transcription else None)
        if given.turn_detection is UNSET:
            return session
        if given.turn_detection is None:
            return replace(session, turn_detection=None)
        default = default_detection(self._settings.turn, self._limits.max_utterance_seconds)
        found = detection.patched(session.turn_detection or default, given.turn_detection, default)
        return replace(session, turn_detection=found)

    def _with_output(self, session: SessionSettings, audio: AudioPatch, param: str) -> tuple[SessionSettings, Format]:
        given, spoken = audio.output, self.spoken
        if given is None:
            return session, spoken
        where = f"{param}.audio.output"
        if isinstance(given.format, AudioFormat):
            spoken = read_format(given.format, f"{where}.format")
        voice = (given.voice.id or given.voice.name) if isinstance(given.voice, NamedVoice) else given.voice
        if isinstance(voice, str):
            session = replace(session, voice=self._voices.get(voice).voice.id)
        if isinstance(given.speed, (int, float)):
            slowest, fastest = SPEEDS
            if not slowest <= given.speed <= fastest:
                raise BadInput(f"speed must be {slowest} to {fastest}, not {given.speed}", param=f"{where}.speed")
            session = replace(session, speed=float(given.speed))
        return session, spoken

    def _with_tools(self, session: SessionSettings, tools: Any, choice: Any, param: str) -> SessionSettings:
        if tools is not UNSET:
            session = replace(session, tools=read_tools(tools or (), f"{param}.tools"))
            names = {tool.name for tool in session.tools}
            if session.tool_choice.name not in {"", *names}:
                session = replace(session, tool_choice=ToolChoice())
        if choice is not UNSET:
            chosen = ToolChoice() if choice is None else read_choice(choice, session.tools, f"{param}.tool_choice")
            session = replace(session, tool_choice=chosen)
        return session

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

    def _prompted(self, prompt: Prompt, param: str) -> str:
        return self._bounded(prompted(prompt, self._settings.prompts, param), param)

    def _bounded(self, text: str, param: str) -> str:
        most = self._limits.max_text_chars
        if len(text) > most:
            raise BadInput(f"{param} may have {most} characters, not {len(text)}", param=param)
        return text


def _echo(given: Any, param: str) -> Any:
    """Raises BadInput."""
    if (size := len(written(given, param))) > ECHO_BYTES:
        raise BadInput(f"{param} may have {ECHO_BYTES} bytes of JSON, not {size}", param=param)
    return msgspec.to_builtins(given)
