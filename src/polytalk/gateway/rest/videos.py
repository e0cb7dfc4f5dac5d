"""`/v1/videos`: clips of a talking avatar, ordered, looked after, fetched and deleted."""

import asyncio
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response

from polytalk.dialogue.clips.marks import Mark
from polytalk.dialogue.clips.script import read_script
from polytalk.dialogue.runtime import Runtime
from polytalk.errors import BadInput
from polytalk.gateway.bodies import read_json
from polytalk.gateway.names import Names
from polytalk.gateway.rest.answers import Json
from polytalk.gateway.rest.clip_folder import seconds_in
from polytalk.gateway.rest.clip_jobs import ClipJobs
from polytalk.gateway.rest.errands import Uploads
from polytalk.gateway.rest.forms import fields_of
from polytalk.gateway.rest.video_types import (
    RATES,
    Order,
    Video,
    VideoDeleted,
    VideoError,
    VideoList,
    VideoRequest,
    colour_of,
    order_of,
    size_of,
)
from polytalk.gateway.uploads import read_upload
from polytalk.media.decode import decode_audio
from polytalk.media.gif import LARGEST as GIF_LARGEST
from polytalk.media.labels import visible_label
from polytalk.store.clips import Clip, Clips
from polytalk.types import SPEECH_RATE

MEDIA_TYPES = {"mp4": "video/mp4", "webm": "video/webm", "gif": "image/gif"}
SLOWEST, FASTEST = 0.25, 4.0
MOST_LISTED = 100
FILE = "audio"
"""The form's field for a recording; `input_reference` serves as well, which is what the openai package has."""


class Videos:
    """The routes. A tenant sees its own jobs, and nobody else's."""

    def __init__(
        self, runtime: Runtime, names: Names, uploads: Uploads, clips: Clips, jobs: ClipJobs, mark: Mark
    ) -> None:
        self._runtime = runtime
        self._names = names
        self._uploads = uploads
        self._clips = clips
        self._jobs = jobs
        self._mark = mark

    async def create(self, request: Request) -> Response:
        """The job that was queued, or the reason why not."""
        principal = request.state.principal
        with self._uploads.one(principal.tenant.name):
            asked, recording = await self._read(request)
            order = await self._order(asked, recording is not None)
            clip = await self._jobs.submit(order, recording, request.state.ration.payer, principal.key)
        return Json(shown(clip))

    async def retrieve(self, request: Request) -> Response:
        """How far it is."""
        return Json(shown(await self._clip(request)))

    async def content(self, request: Request) -> Response:
        """The file; parts of it for a Range."""
        variant = request.query_params.get("variant", "video")
        if variant != "video":
            raise BadInput(f"there is no variant {variant[:40]!r} of a clip, only the video itself", param="variant")
        clip = await self._clip(request)
        if clip.status != "completed" or clip.file is None:
            raise BadInput(f"the video {clip.id} is {clip.status}; its file is not there", code="video_not_ready")
        path = self._jobs.folder.file(clip.file)
        if not await asyncio.to_thread(path.is_file):
            raise BadInput(f"the file of {clip.id} is not on this machine", code="file_not_found")
        form = order_of(clip).format
        return FileResponse(path, media_type=MEDIA_TYPES[form], filename=f"{clip.id}.{form}")

    async def list(self, request: Request) -> Response:
        """A page of the tenant's jobs, the newest first."""
        query = request.query_params
        limit, order = query.get("limit", "20"), query.get("order", "desc")
        if not limit.isdecimal() or not 1 <= int(limit) <= MOST_LISTED:
            raise BadInput(f"limit must be 1 to {MOST_LISTED}, not {limit[:20]}", param="limit")
        if order not in ("asc", "desc"):
            raise BadInput(f"order must be asc or desc, not {order[:20]!r}", param="order")
        wanted = int(limit)
        tenant = request.state.principal.tenant.name
        found = await self._clips.page(tenant, query.get("after"), wanted + 1, oldest_first=order == "asc")
        page = [shown(clip) for clip in found[:wanted]]
        first, last = (page[0].id, page[-1].id) if page else (None, None)
        return Json(VideoList(page, first, last, len(found) > wanted))

    async def delete(self, request: Request) -> Response:
        """Remove it, its file, and the work on it."""
        name = request.path_params["video"]
        await self._jobs.remove(name, request.state.principal.tenant.name)
        return Json(VideoDeleted(name))

    async def _clip(self, request: Request) -> Clip:
        return await self._clips.get(request.path_params["video"], request.state.principal.tenant.name)

    async def _read(self, request: Request) -> tuple[VideoRequest, bytes | None]:
        """What is asked for, and the recording, PCM16 at `SPEECH_RATE`."""
        limits = self._runtime.settings.limits
        if not request.headers.get("content-type", "").startswith("multipart/"):
            return await read_json(request, VideoRequest, limits.max_body_bytes), None
        most = limits.max_upload_bytes
        field_bytes = 4 * self._runtime.settings.clips.max_text_chars + 1_000
        form = await read_upload(request, FILE, most, field_bytes=field_bytes, other="input_reference")
        asked = fields_of(form, VideoRequest)
        file = form.file
        if file is None:
            return asked, None
        seconds = limits.max_audio_seconds
        return asked, await self._runtime.compute(
            lambda: decode_audio(file, SPEECH_RATE, max_seconds=seconds, max_bytes=most), 2.0
        )

    async def _order(self, asked: VideoRequest, recording: bool) -> Order:
        """Checked to the end: what can't be made is refused now, not found out later. Raises BadInput."""
        runtime, most = self._runtime, self._runtime.settings.clips.max_text_chars
        avatar = self._names.avatar(asked.model, "video")
        runtime.kit.faces.painter(avatar.id)
        if len(asked.prompt) > most:
            raise BadInput(f"a text may have {most} characters, not {len(asked.prompt)}", param="prompt")
        if not recording:
            if not asked.prompt.strip():
                raise BadInput("give a text to be said as prompt, or a recording as audio", param="prompt")
            read_script(asked.prompt)
        if not SLOWEST <= asked.speed <= FASTEST:
            raise BadInput(f"speed is {asked.speed}; it must lie in {SLOWEST}..{FASTEST}", param="speed")
        if asked.fps not in RATES:
            raise BadInput(f"fps is {asked.fps}; it must be one of {', '.join(map(str, RATES))}", param="fps")
        width, height = size_of(asked.size, runtime.settings.video.size)
        if asked.format == "gif" and max(width, height) > GIF_LARGEST:
            raise BadInput(f"a GIF may have {GIF_LARGEST} pixels a side, or it would be too large", param="size")
        colour_of(asked.background)
        if self._mark.label:
            visible_label(width, height, self._mark.label, self._mark.place)
        voice = runtime.voices.get(asked.voice).voice.id if asked.voice else runtime.default_voice(avatar)
        return Order(
            prompt=asked.prompt,
            model=asked.model or avatar.id,
            avatar=avatar.id,
            voice=voice,
            speed=asked.speed,
            width=width,
            height=height,
            fps=asked.fps,
            format=asked.format,
            background=asked.background,
            recording=recording,
            folder=await asyncio.to_thread(lambda: self._jobs.folder.id),
        )


def shown(clip: Clip) -> Video:
    """A job in the protocol's words."""
    order = order_of(clip)
    done = clip.status == "completed"
    length = seconds_in(Path(clip.file).name) if done and clip.file else 0.0
    return Video(
        id=clip.id,
        status=clip.status,
        progress=clip.progress,
        created_at=int(clip.created_at),
        completed_at=int(clip.updated_at) if done else None,
        expires_at=None if clip.expires_at is None else int(clip.expires_at),
        model=order.model,
        prompt=order.prompt or None,
        seconds=f"{length:g}",
        size=f"{order.width}x{order.height}",
        error=VideoError(clip.error["code"], clip.error["message"]) if clip.error else None,
        avatar=order.avatar,
        voice=order.voice,
        fps=order.fps,
        format=order.format,
        background=order.background,
    )
