"""What each HTTP route takes and gives, by the types that it reads and writes."""

from dataclasses import dataclass, field
from typing import Any

from polytalk.gateway.admin import NewKey, NewTenant, Rotation, TenantPatch
from polytalk.gateway.avatars import AvatarForm
from polytalk.gateway.realtime.client_secrets import ClientSecretRequest
from polytalk.gateway.rest import chat_types as chat
from polytalk.gateway.rest import speech, transcriptions, video_types
from polytalk.gateway.rest.catalogue import ModelList, ModelObject, VoiceList

KEY = ("invalid_api_key", "insufficient_scope", "rate_limit_exceeded", "store_unavailable")
"""What may be wrong with the key of any request."""
GIVEN_UP_ON = (*KEY, "model_not_found", "not_ready")
WORK = ("not_ready", "at_capacity", "engine_failed")
"""What may come between a request and the engines."""
BODY = ("invalid_value", "invalid_json", "body_too_large", "request_timeout", "unsupported_media_type")
FORM = ("form_invalid", "invalid_value", "request_timeout")


@dataclass(frozen=True)
class Given:
    """An answer."""

    text: str
    kind: type[Any] | None = None
    """Of JSON; `dict` for an object that docs/api.md describes."""
    media_types: tuple[str, ...] = ()
    events: tuple[type[Any], ...] = ()
    """Of a stream of events."""


@dataclass(frozen=True)
class Operation:
    """A method of a path."""

    summary: str
    gives: dict[int, Given]
    scope: str | None = None
    """That a key must have; "" for any key, None where none is asked for."""
    body: type[Any] | None = None
    form: type[Any] | None = None
    file: str = ""
    file_required: bool = True
    query: dict[str, str] = field(default_factory=dict)
    codes: tuple[str, ...] = ()
    """Errors besides those of the key."""

    @property
    def all_codes(self) -> tuple[str, ...]:
        """Errors that it may give."""
        return self.codes if self.scope is None else (*KEY, *self.codes)

    @property
    def kinds(self) -> list[type[Any]]:
        """Types that it names."""
        named = [self.body, self.form]
        for given in self.gives.values():
            named += [given.kind, *given.events]
        return [kind for kind in named if kind is not None and kind is not dict]


AUDIO_TYPES = ("audio/mpeg", "audio/ogg", "audio/aac", "audio/flac", "audio/wav", "audio/pcm")
OBJECT = Given("As docs/api.md describes it.", dict)
PAGE = {"limit": "How many, 1 to 100.", "after": "The id that the page begins behind.", "order": "asc or desc."}
NO_VIDEO = ("video_not_found",)
NO_AVATAR = ("model_not_found",)
AT = "/v1/avatars/{avatar}"
ADMIN = "/v1/admin"


def _admin(summary: str, status: int = 200, **more: Any) -> Operation:
    return Operation(summary, {status: OBJECT}, "admin", **more)


DESCRIBED: dict[tuple[str, str], Operation] = {
    ("GET", "/healthz"): Operation("Whether the process lives.", {200: OBJECT}),
    ("GET", "/readyz"): Operation("Whether it takes work.", {200: OBJECT, 503: OBJECT}),
    ("GET", "/metrics"): Operation(
        "Figures for Prometheus.", {200: Given("Text.", media_types=("text/plain",))}, "metrics"
    ),
    ("GET", "/openapi.json"): Operation("This document.", {200: OBJECT}),
    ("GET", "/ops/bank"): Operation("The tenants' accounts.", {200: OBJECT}, "admin", codes=("invalid_value",)),
    ("GET", "/v1/models"): Operation("Names for `model`.", {200: Given("All of them.", ModelList)}, ""),
    ("GET", "/v1/models/{model}"): Operation(
        "One of them.", {200: Given("It.", ModelObject)}, "", codes=("model_not_found",)
    ),
    ("GET", "/v1/voices"): Operation("The voices.", {200: Given("All of them.", VoiceList)}, ""),
    ("POST", "/v1/chat/completions"): Operation(
        "An answer to be read.",
        {200: Given("Whole, or as events.", chat.ChatCompletion, events=(chat.ChatCompletionChunk,))},
        "chat",
        body=chat.ChatRequest,
        codes=(*BODY, "model_not_found", "unsupported_parameter", *WORK),
    ),
    ("POST", "/v1/audio/speech"): Operation(
        "A text read aloud.",
        {200: Given("The file, or events.", media_types=AUDIO_TYPES, events=(speech.SpeechDelta, speech.SpeechDone))},
        "audio",
        body=speech.SpeechRequest,
        codes=(*BODY, "model_not_found", "unspeakable_text", *WORK),
    ),
    ("POST", "/v1/audio/transcriptions"): Operation(
        "What a recording says.",
        {
            200: Given(
                "In the shape that was asked for.",
                transcriptions.Transcription,
                ("text/plain", "text/vtt", "application/x-subrip"),
                (transcriptions.TranscriptDelta, transcriptions.TranscriptDone),
            )
        },
        "audio",
        form=transcriptions.TranscriptionForm,
        file="file",
        codes=(*FORM, "file_too_large", "model_not_found", "unsupported_parameter", *WORK),
    ),
    ("POST", "/v1/audio/translations"): Operation(
        "Nothing here translates.", {}, "audio", codes=("unsupported_operation", "not_ready")
    ),
    ("POST", "/v1/videos"): Operation(
        "Orders a clip.",
        {200: Given("The job.", video_types.Video)},
        "videos",
        body=video_types.VideoRequest,
        form=video_types.VideoRequest,
        file="audio",
        file_required=False,
        codes=(*BODY, "form_invalid", "file_too_large", "model_not_found", *WORK),
    ),
    ("GET", "/v1/videos"): Operation(
        "Your clips.",
        {200: Given("A page.", video_types.VideoList)},
        "videos",
        query=PAGE,
        codes=("invalid_value", *NO_VIDEO),
    ),
    ("GET", "/v1/videos/{video}"): Operation(
        "How far a clip is.", {200: Given("The job.", video_types.Video)}, "videos", codes=NO_VIDEO
    ),
    ("DELETE", "/v1/videos/{video}"): Operation(
        "Removes a clip.", {200: Given("It is gone.", video_types.VideoDeleted)}, "videos", codes=NO_VIDEO
    ),
    ("GET", "/v1/videos/{video}/content"): Operation(
        "A clip's file.",
        {
            200: Given("All of it.", media_types=("video/mp4", "video/webm", "image/gif")),
            206: Given("The range that was asked for."),
            416: Given("There is no such range."),
        },
        "videos",
        query={"variant": "video, which is all there is."},
        codes=(*NO_VIDEO, "video_not_ready", "file_not_found", "invalid_value"),
    ),
    ("POST", "/v1/realtime/client_secrets"): Operation(
        "A browser's credential for conversations.",
        {200: OBJECT},
        "realtime",
        body=ClientSecretRequest,
        codes=(*BODY, "model_not_found"),
    ),
    ("POST", "/v1/realtime/calls"): Operation(
        "Answers the offer of a call over WebRTC: SDP, or a form with `sdp` and `session`.",
        {201: Given("The answer; Location names the call.", media_types=("application/sdp",))},
        "realtime",
        codes=("invalid_offer", "unsupported_media_type", "body_too_large", "form_invalid", "not_ready"),
    ),
    **{
        (method, "/v1/realtime/calls/{id}"): Operation(
            "Nothing about a call is offered anew.",
            {},
            "realtime",
            codes=("call_not_found", "renegotiation_not_supported"),
        )
        for method in ("PATCH", "POST")
    },
    ("POST", "/v1/realtime/calls/{id}/hangup"): Operation(
        "Ends a call.", {200: Given("It ends.")}, "realtime", codes=("call_not_found",)
    ),
    ("POST", "/v1/realtime/calls/{id}/viewers"): Operation(
        "Answers the offer of one who hears and sees a call without taking part: SDP, or a form with `sdp`.",
        {201: Given("The answer; Location names the viewer.", media_types=("application/sdp",))},
        "realtime",
        codes=(
            *("call_not_found", "invalid_offer", "unsupported_media_type", "body_too_large", "form_invalid"),
            *("not_ready", "at_capacity"),
        ),
    ),
    ("POST", "/v1/realtime/calls/{id}/viewers/{viewer}/hangup"): Operation(
        "Ends a viewer.", {200: Given("It ends.")}, "realtime", codes=("call_not_found", "viewer_not_found")
    ),
    ("GET", f"{AT}/idle"): Operation(
        "The face at rest as a film to be repeated.",
        {200: Given("MP4.", media_types=("video/mp4",))},
        "realtime or avatars",
        query={"state": "idle or listening.", "size": "Pixels.", "codec": "h264 or vp9.", "digest": "Of the bundle."},
        codes=("model_not_found", "invalid_value"),
    ),
    ("GET", "/v1/avatars"): Operation("Who can be talked to.", {200: OBJECT}, "realtime or avatars"),
    ("POST", "/v1/avatars"): Operation(
        "Makes one of a photograph.",
        {202: OBJECT},
        "avatars",
        form=AvatarForm,
        file="image",
        codes=(*FORM, "consent_required", "picture_format", "picture_too_large", "avatar_exists", "photos_not_set_up"),
    ),
    ("GET", AT): Operation("One of them.", {200: OBJECT}, "realtime or avatars", codes=NO_AVATAR),
    ("DELETE", AT): Operation("Removes one.", {200: OBJECT}, "avatars", codes=(*NO_AVATAR, "avatar_in_use")),
    ("GET", f"{AT}/preview.png"): Operation(
        "Its picture.",
        {200: Given("PNG.", media_types=("image/png",))},
        "realtime or avatars",
        codes=(*NO_AVATAR, "file_not_found"),
    ),
    ("GET", f"{AT}/bundle"): Operation(
        "What a client draws it by.", {200: OBJECT}, "realtime or avatars", codes=NO_AVATAR
    ),
    ("GET", f"{AT}/files/{{name:path}}"): Operation(
        "A file of the bundle.",
        {200: Given("The file.", media_types=("application/octet-stream",))},
        "realtime or avatars",
        codes=(*NO_AVATAR, "file_not_found"),
    ),
    ("GET", f"{AT}/export"): Operation(
        "The bundle as one file.",
        {200: Given("ZIP.", media_types=("application/zip",))},
        "avatars",
        codes=NO_AVATAR,
    ),
    ("GET", f"{ADMIN}/tenants"): _admin("The tenants."),
    ("POST", f"{ADMIN}/tenants"): _admin("Adds one.", 201, body=NewTenant, codes=(*BODY, "tenant_exists")),
    ("GET", f"{ADMIN}/tenants/{{tenant}}"): _admin("One of them.", codes=("tenant_not_found",)),
    ("PATCH", f"{ADMIN}/tenants/{{tenant}}"): _admin(
        "Changes one.", body=TenantPatch, codes=(*BODY, "tenant_not_found")
    ),
    ("DELETE", f"{ADMIN}/tenants/{{tenant}}"): _admin("Removes one.", codes=("tenant_not_found",)),
    ("GET", f"{ADMIN}/keys"): _admin("The keys, without their values.", query={"tenant": "Whose."}),
    ("POST", f"{ADMIN}/keys"): _admin("Makes one.", 201, body=NewKey, codes=(*BODY, "tenant_not_found")),
    ("GET", f"{ADMIN}/keys/{{key}}"): _admin("One of them.", codes=("key_not_found",)),
    ("DELETE", f"{ADMIN}/keys/{{key}}"): _admin("Revokes one.", codes=("key_not_found",)),
    ("POST", f"{ADMIN}/keys/{{key}}/rotate"): _admin(
        "Makes another in its place.", 201, body=Rotation, codes=(*BODY, "key_not_found", "key_not_valid")
    ),
    ("GET", f"{ADMIN}/sessions"): _admin(
        "Conversations.",
        query={"tenant": "Whose.", "user": "Of whom.", "before": "A moment.", "limit": "How many."},
        codes=("invalid_value",),
    ),
    ("DELETE", f"{ADMIN}/sessions"): _admin(
        "Deletes a tenant's or a person's.", query={"tenant": "Whose.", "user": "Of whom."}, codes=("invalid_value",)
    ),
    ("GET", f"{ADMIN}/sessions/{{session}}"): _admin("One, with its turns.", codes=("session_not_found",)),
    ("DELETE", f"{ADMIN}/sessions/{{session}}"): _admin("Deletes one.", codes=("session_not_found",)),
    ("GET", f"{ADMIN}/audit"): _admin(
        "What operators did.", query={"before": "A number.", "limit": "How many."}, codes=("invalid_value",)
    ),
}
