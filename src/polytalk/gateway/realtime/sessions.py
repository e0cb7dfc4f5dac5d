"""How a principal's session begins on any line: its settings, what a client secret presets, what is remembered."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from polytalk.dialogue.answers.delivery import Emit
from polytalk.dialogue.runtime import Runtime
from polytalk.dialogue.session import Session
from polytalk.dialogue.settings import SessionSettings
from polytalk.gateway.keys import Principal
from polytalk.gateway.names import Names
from polytalk.gateway.rations import REQUESTS, Rations
from polytalk.gateway.realtime.avatar_options import Tracks
from polytalk.gateway.realtime.detection import default_detection
from polytalk.gateway.realtime.preset import patch_of
from polytalk.gateway.realtime.recorder import Recorder
from polytalk.gateway.realtime.session_config import SessionConfig
from polytalk.gateway.realtime.wires import Wire
from polytalk.gateway.viewing import Visible
from polytalk.store.writer import Write


class Sessions:
    """One a server."""

    def __init__(self, runtime: Runtime, rations: Rations, put: Callable[[Write], None] | None = None) -> None:
        """`put` takes what is to be remembered; without it nothing is."""
        self._runtime = runtime
        self._rations = rations
        self._put = put
        self._names = Names(runtime)

    def configure(self, principal: Principal, model: str | None, tracks: Tracks | None = None) -> SessionConfig:
        """The session as it begins, with what the client secret presets; `tracks` of a call. Raises BadInput.

        What the client secret says of `model` counts more than what the client does.
        """
        preset = principal.session or {}
        patch = patch_of(preset)
        settings = self._runtime.settings
        avatar = self._names.avatar(preset.get("model") or model)
        session = SessionSettings(
            avatar=avatar.id,
            voice=self._runtime.default_voice(avatar),
            turn_detection=default_detection(settings.turn, settings.limits.max_utterance_seconds),
            max_tokens=settings.limits.max_reply_tokens,
        )
        voices = Visible(_DefaultVoices(self._runtime))
        config = SessionConfig(settings, self._runtime.voices, voices, session, self._runtime.draws, tracks)
        config.apply(patch)
        return config

    @contextmanager
    def open(self, principal: Principal, config: SessionConfig, emit: Emit) -> Iterator[Session]:
        """The session, to be entered and served while the context lasts."""
        payer = self._rations.of(principal).payer
        if self._put is None:
            yield self._runtime.open_session(config.session, emit, payer)
            return
        recorder = Recorder(self._put)
        session = self._runtime.open_session(config.session, recorder.hearing(emit), payer)
        recorder.begin(session, principal)
        try:
            yield session
        finally:
            recorder.end()

    def rates(self, principal: Principal) -> list[Wire]:
        """What the principal may still use; without a quota of requests, turns that may wait for room, and how long
        the last of them would."""
        own = self._rations.of(principal).rates()
        return own if any(rate["name"] == REQUESTS for rate in own) else [self._queue(), *own]

    def _queue(self) -> Wire:
        admission, limit = self._runtime.gate.admission, self._runtime.settings.limits.queue_turns
        queued = admission.queued
        return {
            "name": REQUESTS,
            "limit": limit,
            "remaining": max(0, limit - queued),
            "reset_seconds": round(admission.expected_wait(queued), 3) if queued else 0.0,
        }


class _DefaultVoices(Mapping[str, str]):
    """The voice of each avatar, also of those that are added while a session goes on."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def __getitem__(self, avatar: str) -> str:
        return self._runtime.default_voice(self._runtime.avatars[avatar])

    def __iter__(self) -> Iterator[str]:
        return iter(self._runtime.avatars)

    def __len__(self) -> int:
        return len(self._runtime.avatars)
