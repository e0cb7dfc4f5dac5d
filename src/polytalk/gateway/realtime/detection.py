"""Turn detection on the wire and in the dialogue: one from the other, both ways."""

from typing import Any

from msgspec import UNSET
from msgspec.structs import replace

from polytalk.config import TurnSettings
from polytalk.dialogue.ears.completeness import Verdict, patience
from polytalk.dialogue.ears.endpointing import VadSettings
from polytalk.dialogue.settings import TurnDetection
from polytalk.errors import BadInput
from polytalk.gateway.realtime.session_patch import TurnDetectionPatch

IDLE_MS = range(5_000, 30_001)
"""As the published API has it."""


def default_detection(turn: TurnSettings, max_utterance: float) -> TurnDetection:
    """server_vad as the settings have it."""
    longest = round(max_utterance * 1000)
    vad = VadSettings(turn.vad_threshold, turn.prefix_padding_ms, turn.silence_duration_ms, max_duration_ms=longest)
    return TurnDetection(vad)


def patched(before: TurnDetection, patch: TurnDetectionPatch, default: TurnDetection) -> TurnDetection:
    """Turn detection as a patch changes it; by semantic_vad words, not `silence_duration_ms`, end a turn.

    Raises BadInput.
    """
    semantic = patch.type == "semantic_vad"
    if semantic or before.eagerness is not None:
        before = replace(default, create_response=before.create_response, interrupt_response=before.interrupt_response)
    silence = patch.silence_duration_ms
    eagerness = (patch.eagerness or "auto") if semantic else None
    if eagerness is not None:
        silence = patience(Verdict.UNCLEAR, eagerness)  # until the words are known
    changes = {
        "threshold": None if semantic else patch.threshold,
        "prefix_padding_ms": None if semantic else patch.prefix_padding_ms,
        "silence_duration_ms": silence,
    }
    fields: dict[str, Any] = {name: getattr(before.vad, name) for name in VadSettings.__dataclass_fields__}
    idle = None if semantic else before.idle_timeout
    if patch.idle_timeout_ms is not UNSET and not semantic:
        idle = None if patch.idle_timeout_ms is None else _idle(patch.idle_timeout_ms)
    return TurnDetection(
        VadSettings(**(fields | {name: value for name, value in changes.items() if value is not None})),
        before.create_response if patch.create_response is None else patch.create_response,
        before.interrupt_response if patch.interrupt_response is None else patch.interrupt_response,
        eagerness,
        idle,
    )


def shown(detection: TurnDetection | None) -> dict[str, Any] | None:
    """As clients see it."""
    if detection is None:
        return None
    answers = {
        "create_response": detection.create_response,
        "interrupt_response": detection.interrupt_response,
    }
    if detection.eagerness is not None:
        return {"type": "semantic_vad", "eagerness": detection.eagerness, **answers}
    return {
        "type": "server_vad",
        "threshold": detection.vad.threshold,
        "prefix_padding_ms": detection.vad.prefix_padding_ms,
        "silence_duration_ms": detection.vad.silence_duration_ms,
        "idle_timeout_ms": None if detection.idle_timeout is None else round(detection.idle_timeout * 1000),
        **answers,
    }


def _idle(ms: int) -> float:
    if ms not in IDLE_MS:
        raise BadInput(
            f"idle_timeout_ms must be {IDLE_MS.start} to {IDLE_MS.stop - 1}, not {ms}", param="idle_timeout_ms"
        )
    return ms / 1000
