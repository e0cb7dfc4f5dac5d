"""`/v1/avatars`: who can be talked to, and how somebody is added."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from polytalk.avatar import archive, contents, intake, landmarks_home
from polytalk.avatar import manifest as manifests
from polytalk.avatar.library import Bundle
from polytalk.avatar.making import Order
from polytalk.avatar.manifest import PREVIEW
from polytalk.cache import shown
from polytalk.dialogue.runtime import Runtime
from polytalk.errors import BadInput, PolytalkError, SetupError, Shed
from polytalk.gateway.auth import Auth
from polytalk.gateway.avatar_builds import Build, Builds
from polytalk.gateway.idle_films import idle_order
from polytalk.gateway.keys import Need, Principal
from polytalk.gateway.problems import problem
from polytalk.gateway.uploads import read_form
from polytalk.gateway.viewing import Visible, find, visible
from polytalk.store.owners import Owners

FOREVER = "private, max-age=31536000, immutable"
ANEW = "no-cache"
SEE: Need = ("realtime", "avatars")


class AvatarForm(msgspec.Struct, frozen=True):
    """The form's fields beside `image`."""

    name: str
    consent: str
    """The sentence by which the person shown agrees."""
    consent_by: str = ""
    voice: str = ""
    id: str = ""


class Avatars:
    """The routes. Who may talk to an avatar may see it; who may add some has a key for that, and owns what it adds."""

    def __init__(self, runtime: Runtime, auth: Auth, owners: Owners) -> None:
        self._runtime = runtime
        self._library = runtime.avatars
        self._auth = auth
        self._owners = owners
        self.builds = Builds(runtime.avatars, runtime.settings.cache_folder)

    def routes(self) -> list[Route]:
        """For the application."""
        one = "/v1/avatars/{avatar}"
        guard = self._auth.guard
        return [
            Route("/v1/avatars", guard(SEE, self._list)),
            Route("/v1/avatars", guard("avatars", self._create), methods=["POST"]),
            Route(one, guard(SEE, self._show)),
            Route(one, guard("avatars", self._delete), methods=["DELETE"]),
            Route(f"{one}/preview.png", guard(SEE, self._preview)),
            Route(f"{one}/idle", guard(SEE, self._idle)),
            Route(f"{one}/bundle", guard(SEE, self._bundle)),
            Route(f"{one}/files/{{name:path}}", guard(SEE, self._file)),
            Route(f"{one}/export", guard("avatars", self._export)),
        ]

    async def _list(self, _: Request) -> JSONResponse:
        """Those that can be talked to, the default one first."""
        default = self._runtime.settings.avatar
        ordered = sorted(Visible(self._library).values(), key=lambda made: made.id != default)
        return JSONResponse({"object": "list", "data": [self._brief(made) for made in ordered]})

    async def _create(self, request: Request) -> JSONResponse:
        """202 with the avatar in the making, or the reason why not."""
        try:
            if not landmarks_home.installed(self._runtime.settings.cache_folder):
                raise SetupError("this server can't read photographs yet; run on it: polytalk setup --photos")
            self.builds.check_room()
            photograph, fields = await read_form(request, "image", intake.MAX_BYTES)
            order = self._order(fields, photograph)
            build = await self._submit(order, photograph, request.state.principal)
        except SetupError as error:
            return problem(503, error.message, "photos_not_set_up", "server_error")
        except Shed as full:
            refusal = problem(503, full.message, full.code, "server_error")
            refusal.headers["retry-after"] = str(round(full.retry_after))
            return refusal
        where = {"location": f"/v1/avatars/{build.order.id}"}
        return JSONResponse(_in_the_making(build), 202, where)

    async def _submit(self, order: Order, photograph: bytes, principal: Principal) -> Build:
        """Queue one, as its tenant's own; what is added without a key is everybody's. Raises as `Builds.submit`."""
        self.builds.check_free(order.id)
        claimed = not principal.anonymous and await self._owners.claim(order.id, principal.tenant.name)
        try:
            if claimed:
                await self._auth.look()
            return self.builds.submit(order, photograph)
        except PolytalkError:
            if claimed:
                await self._owners.forget(order.id)
            raise

    def _order(self, fields: dict[str, str], photograph: bytes) -> Order:
        unknown = fields.keys() - set(AvatarForm.__struct_fields__)
        if unknown:
            raise BadInput(f"the form has an unknown field {min(unknown)[:80]!r}", code="form_invalid")
        name = manifests.given_name(fields.get("name", ""))
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        consent = manifests.given_consent(fields.get("consent", ""), fields.get("consent_by", ""), now)
        intake.recognise(photograph)
        voice = fields.get("voice", "")
        if voice:
            voice = self._runtime.voices.get(voice).voice.id
        taken: dict[str, object] = {**self._library, **dict.fromkeys(self.builds.ids), **self._auth.owners}
        key = manifests.check_id(fields["id"]) if fields.get("id") else manifests.id_for(name["en"], taken)
        return Order(key, name, voice, consent)

    async def _show(self, request: Request) -> JSONResponse:
        """One avatar, or one in the making."""
        key = request.path_params["avatar"]
        build = self.builds.get(key) if visible(key) and key not in self._library else None
        if build is not None:
            return JSONResponse(_in_the_making(build))
        made = self._find(request)
        manifest = made.manifest
        shown = self._brief(made) | {
            "status": "completed",
            "style": manifest.style,
            "made_with": manifest.made_with,
            "digest": made.digest,
            "consent": msgspec.to_builtins(manifest.consent),
            "warnings": msgspec.to_builtins(manifest.warnings),
            "export": f"/v1/avatars/{made.id}/export",
        }
        return JSONResponse(shown)

    async def _delete(self, request: Request) -> JSONResponse:
        """Remove an avatar, its files, and the clips that are kept of it."""
        key = request.path_params["avatar"]
        if key == self._runtime.settings.avatar:
            raise BadInput(f"the avatar {key!r} is the default one of the settings and stays", code="avatar_in_use")
        self._check_own(key, request.state.principal)
        made = self._library.get(key)
        if made is not None or not self.builds.forget(key):
            await asyncio.to_thread(self._library.remove, key)
        if key in self._auth.owners:
            await self._owners.forget(key)
            await self._auth.look()
        if made is not None:
            await asyncio.to_thread(shown.forget, self._runtime.settings.renders_folder(), made.digest)
        return JSONResponse({"id": key, "object": "avatar.deleted", "deleted": True})

    def _check_own(self, key: str, principal: Principal) -> None:
        """Raises BadInput for one that is not there for this tenant, or is everybody's and no operator asks."""
        if not visible(key) or (key not in self._library and key not in self.builds.ids | self.builds.failed):
            raise BadInput(f"there is no avatar {key[:80]!r}", code="model_not_found")
        if not (principal.anonymous or "admin" in principal.scopes or key in self._auth.owners):
            raise BadInput(
                f"the avatar {key!r} is everybody's; removing it takes a key with the scope admin", code="avatar_shared"
            )

    def _find(self, request: Request) -> Bundle:
        return find(self._library, request.path_params["avatar"])

    async def _preview(self, request: Request) -> Response:
        """Its still picture."""
        made = self._find(request)
        return await _serve(request, made, PREVIEW)

    async def _idle(self, request: Request) -> Response:
        """The face at rest as a film to be repeated, for clients that are sent films."""
        made = self._find(request)
        state, size, codec = idle_order(request.query_params, self._runtime.settings.video)
        film = await self._runtime.idling.film(made, state, size, codec)
        lasting = request.query_params.get("digest") == made.digest[:16]
        return Response(film, media_type="video/mp4", headers={"cache-control": FOREVER if lasting else ANEW})

    async def _bundle(self, request: Request) -> Response:
        """What a client draws it by: an illustrated avatar's drawing, or where a photographed one's files are."""
        made = self._find(request)
        if made.kind == "illustrated":
            drawing = await asyncio.to_thread(lambda: made.art.json)
            return Response(drawing, media_type="application/json", headers={"cache-control": ANEW})
        files = {name: f"/v1/avatars/{made.id}/files/{name}?{made.digest[:16]}" for name in made.manifest.files}
        described = {
            "format": manifests.FORMAT,
            "kind": made.kind,
            "id": made.id,
            "digest": made.digest,
            "files": files,
        }
        return JSONResponse(described, headers={"cache-control": ANEW})

    async def _file(self, request: Request) -> Response:
        """One file of the bundle, by its name in the manifest and no other."""
        return await _serve(request, self._find(request), request.path_params["name"])

    async def _export(self, request: Request) -> Response:
        """The bundle as one file."""
        made = self._find(request)
        data = await asyncio.to_thread(archive.pack, made)
        name = f'attachment; filename="{made.id}{archive.SUFFIX}"'
        return Response(
            data, media_type="application/zip", headers={"content-disposition": name, "cache-control": ANEW}
        )

    def _brief(self, made: Bundle) -> dict[str, Any]:
        return {
            "id": made.id,
            "object": "avatar",
            "kind": made.kind,
            "name": made.name,
            "voice": self._runtime.default_voice(made),
            "bundle": f"/v1/avatars/{made.id}/bundle",
            "preview": f"/v1/avatars/{made.id}/preview.png" if PREVIEW in made.manifest.files else None,
            "idle": f"/v1/avatars/{made.id}/idle?digest={made.digest[:16]}" if self._runtime.draws(made.id) else None,
        }


async def _serve(request: Request, made: Bundle, name: str) -> Response:
    """A file; kept by browsers for good when they ask for it with the bundle's digest."""
    data = await asyncio.to_thread(made.read, name)
    lasting = request.url.query == made.digest[:16]
    return Response(data, media_type=contents.media_type(name), headers={"cache-control": FOREVER if lasting else ANEW})


def _in_the_making(build: Build) -> dict[str, Any]:
    error = build.error
    shown = {
        "id": build.order.id,
        "object": "avatar",
        "status": build.status,
        "step": build.step,
        "progress": round(100 * build.progress),
        "kind": "photo",
        "name": build.order.name,
        "voice": build.order.voice,
        "error": None,
    }
    if error is not None:
        kind = "invalid_request_error" if error.bad_input else "server_error"
        shown["error"] = {"message": error.message, "type": kind, "param": error.param, "code": error.code}
        shown["findings"] = error.findings
    return shown
