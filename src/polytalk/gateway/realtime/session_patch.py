"""The session as clients change it, and what of it one `response.create` may change."""

from typing import Annotated, Any, Literal, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType

from polytalk.gateway.bounds import MOST_PAIRS, Id, Key, Label, Language, Metadata, Whole

Maybe: TypeAlias = UnsetType
Modalities: TypeAlias = Annotated[list[Literal["audio", "text"]], Meta(max_length=2)]
Names: TypeAlias = Annotated[list[Id], Meta(max_length=16)]


class AudioFormat(Struct):
    """How audio is encoded on the wire."""

    type: Id = "audio/pcm"
    rate: Whole | None = None


class TurnDetectionPatch(Struct):
    """How the server finds the end of a turn."""

    type: Literal["server_vad", "semantic_vad"] = "server_vad"
    threshold: float | None = None
    prefix_padding_ms: Whole | None = None
    silence_duration_ms: Whole | None = None
    create_response: bool | None = None
    interrupt_response: bool | None = None
    idle_timeout_ms: Whole | Maybe | None = UNSET
    eagerness: Literal["low", "medium", "high", "auto"] | None = None


class InputTranscription(Struct, omit_defaults=True):
    """Which language is spoken; the rest is accepted, shown and not used."""

    model: Label | None = None
    language: Language | None = None
    prompt: str | None = None
    delay: Label | None = None
    keywords: list[Label] | None = None
    languages: list[Language] | None = None


class NoiseReduction(Struct, omit_defaults=True):
    """Accepted, shown and not used: browsers do this, and the recogniser copes with noise."""

    type: Literal["near_field", "far_field"] | None = None
    strength: float | None = None


class InputPatch(Struct):
    """`session.audio.input`."""

    format: AudioFormat | Maybe | None = UNSET
    transcription: InputTranscription | Maybe | None = UNSET
    noise_reduction: NoiseReduction | Maybe | None = UNSET
    turn_detection: TurnDetectionPatch | Maybe | None = UNSET


class NamedVoice(Struct):
    """A voice as an object."""

    id: Id | None = None
    name: Id | None = None


class OutputPatch(Struct):
    """`session.audio.output`."""

    format: AudioFormat | Maybe | None = UNSET
    voice: Id | NamedVoice | Maybe | None = UNSET
    speed: float | Maybe | None = UNSET


class AudioPatch(Struct):
    """`session.audio`."""

    input: InputPatch | None = None
    output: OutputPatch | None = None


class ToolParam(Struct):
    """A function of the client, or an MCP server (which is refused)."""

    type: Id = "function"
    name: str = ""
    description: str = ""
    parameters: dict[str, Any] | None = None


class ToolChoiceParam(Struct):
    """This function and no other."""

    type: Id = "function"
    name: str = ""


class Tracing(Struct, omit_defaults=True):
    """Accepted and shown: traces are the server's own business."""

    workflow_name: Label | None = None
    group_id: Label | None = None
    metadata: Annotated[dict[Key, Any], Meta(max_length=MOST_PAIRS)] | None = None


class TokenLimits(Struct, omit_defaults=True):
    """Of a truncation."""

    post_instructions: Whole | None = None


class Truncation(Struct):
    """Accepted and shown: how much of a history fits is the engine's own business."""

    retention_ratio: float
    type: Literal["retention_ratio"] = "retention_ratio"
    token_limits: TokenLimits | Maybe | None = UNSET


class Prompt(Struct, omit_defaults=True):
    """A prompt kept at the server: one of the settings' `prompts`, with its `{{variables}}`."""

    id: Id
    version: Id | None = None
    variables: Annotated[dict[Key, Any], Meta(max_length=64)] | None = None


class Reasoning(Struct, omit_defaults=True):
    """Accepted and shown."""

    effort: Id | None = None


class Resolution(Struct):
    """Of a picture, in pixels."""

    width: Whole
    height: Whole


class Crop(Struct):
    """A part of the picture, in its pixels: from `top_left` to before `bottom_right`."""

    top_left: tuple[Whole, Whole]
    bottom_right: tuple[Whole, Whole]


class Background(Struct):
    """What is behind the avatar."""

    color: str | None = None
    image_url: str | None = None


class VideoPatch(Struct):
    """`session.avatar.video`."""

    codec: Literal["h264", "vp9", "vp8"] | Names | None = None
    """One, or all that the client can play."""
    audio_codec: Literal["opus", "aac"] | Names | None = None
    bitrate: Whole | None = None
    resolution: Resolution | None = None
    crop: Crop | None = None
    background: Background | None = None
    fps: float | None = None


class AvatarPatch(Struct):
    """`session.avatar`: asking for it is what turns the mouth frames on, and, by a protocol for them, pictures."""

    character: Id | None = None
    style: str | None = None
    output_protocol: Literal["websocket", "media", "webrtc"] | None = None
    """Where pictures go that are drawn here: over this socket, one of their own, or the call's video track. None: the
    client draws."""
    video: VideoPatch | None = None


class Animation(Struct):
    """`session.animation`: what a client draws a face by."""

    model_name: Label | None = None
    outputs: tuple[Literal["blendshapes", "viseme_id"], ...] = ("blendshapes",)


class SessionPatch(Struct):
    """The fields of a session that a client may change; those it leaves out stay."""

    type: Literal["realtime"] = "realtime"
    output_modalities: Modalities | Maybe | None = UNSET
    instructions: str | Maybe | None = UNSET
    max_output_tokens: Whole | Literal["inf"] | Maybe | None = UNSET
    tools: list[ToolParam] | Maybe | None = UNSET
    tool_choice: Literal["auto", "none", "required"] | ToolChoiceParam | Maybe | None = UNSET
    parallel_tool_calls: bool | Maybe | None = UNSET
    include: Annotated[list[Literal["item.input_audio_transcription.logprobs"]], Meta(max_length=8)] | Maybe | None = (
        UNSET
    )
    prompt: Prompt | Maybe | None = UNSET
    reasoning: Reasoning | Maybe | None = UNSET
    tracing: Literal["auto"] | Tracing | Maybe | None = UNSET
    truncation: Literal["auto", "disabled"] | Truncation | Maybe | None = UNSET
    audio: AudioPatch | None = None
    avatar: AvatarPatch | Maybe | None = UNSET
    animation: Animation | Maybe | None = UNSET
    output_audio_timestamp_types: list[Literal["word"]] | Maybe | None = UNSET


class ContentPart(Struct):
    """A part of an item that a client adds."""

    type: Id
    text: str | None = None
    transcript: str | None = None
    audio: bytes | None = None


class ItemParam(Struct):
    """An item that a client adds, or refers to."""

    type: Id = "message"
    id: str | None = None
    role: Literal["user", "assistant", "system"] = "user"
    content: Annotated[list[ContentPart], Meta(max_length=64)] = []
    call_id: Id | None = None
    name: str | None = None
    arguments: str | None = None
    output: str | None = None


class ResponseParam(Struct):
    """How one answer differs from the session."""

    instructions: str | None = None
    output_modalities: Modalities | None = None
    max_output_tokens: Whole | Literal["inf"] | None = None
    metadata: Metadata | None = None
    audio: AudioPatch | None = None
    conversation: Id | None = None
    """"auto", or "none": the answer is no part of the conversation."""
    input: Annotated[list[ItemParam], Meta(max_length=64)] | None = None
    """What is answered, in place of the conversation."""
    tools: list[ToolParam] | None = None
    tool_choice: Literal["auto", "none", "required"] | ToolChoiceParam | None = None
    prompt: Prompt | None = None
