"""Servers with the OpenAI API (vLLM, SGLang, Ollama, Speaches, LiteLLM ...): the HTTP that LLM, ASR and TTS share."""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
import msgspec
from msgspec import Struct

from polytalk.errors import BadInput, ConfigError, EngineFailed, PolytalkError
from polytalk.types import Seconds

_BUSY = frozenset({429, 502, 503, 504})
"""Statuses that may pass when asked again."""
_CALLERS_FAULT = frozenset({400, 413, 422})
_PAUSE: Seconds = 0.2
"""Before asking again."""


class RemoteOptions(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What every remote engine can be told."""

    base_url: str
    """With the version: "http://gpu1:8000/v1"."""
    model: str
    api_key: str = ""
    api_key_env: str = ""
    """The environment variable that holds the key, in place of `api_key`."""
    slots: int = 32
    """Requests under way at once, and connections kept."""
    connect_timeout: Seconds = 5.0
    timeout: Seconds = 30.0
    """How long the server may send nothing."""
    retries: int = 1
    """How often a request is repeated that failed before the first byte of an answer."""
    extra_body: dict[str, Any] = {}
    """Goes into every request as it is."""
    omit: tuple[str, ...] = ()
    """Fields that the server does not know, left out of every request."""


class _Fault(Struct, frozen=True):
    message: str = ""


class _Refusal(Struct, frozen=True):
    """The two shapes in which servers say why not."""

    error: _Fault | str = ""
    detail: Any = ""


class Remote:
    """A connection pool to one server. Belongs to the event loop that uses it first."""

    def __init__(self, options: RemoteOptions, where: str) -> None:
        self._options = options
        self._where = where
        self._client: httpx.AsyncClient | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        try:
            url = httpx.URL(options.base_url)
        except httpx.InvalidURL as error:
            raise ConfigError(f"[{where}.options] base_url {options.base_url!r}: {error}") from None
        if url.scheme not in ("http", "https") or not url.host:
            raise ConfigError(f"[{where}.options] base_url {options.base_url!r} must look like http://host:8000/v1")
        self.name = f"{url.scheme}://{url.netloc.decode()}{url.path.rstrip('/')}"
        """The server as errors name it: without user and password."""

    def open(self) -> None:
        """Make the pool; nothing is sent yet. Raises ConfigError when the key's variable is not set."""
        options = self._options
        key = options.api_key
        if options.api_key_env:
            key = os.environ.get(options.api_key_env, "")
            if not key:
                raise ConfigError(
                    f"[{self._where}.options] api_key_env: the environment variable {options.api_key_env} is not set"
                )
        self._key = key
        self._client = httpx.AsyncClient(
            base_url=options.base_url,
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=httpx.Timeout(options.timeout, connect=options.connect_timeout),
            limits=httpx.Limits(max_connections=options.slots, max_keepalive_connections=options.slots),
        )

    def close(self) -> None:
        """Close the connections. Safe on any thread, twice, and before `open`."""
        client, self._client = self._client, None
        loop = self._loop
        if client is None or loop is None or loop.is_closed():
            return
        asyncio.run_coroutine_threadsafe(client.aclose(), loop)

    @asynccontextmanager
    async def post(self, path: str, body: Mapping[str, Any], *, files: Any = None) -> AsyncIterator[httpx.Response]:
        """A response of status 200 whose body is still to be read; JSON is sent, or a form when there are `files`.

        Whatever fails, here or while the body is read, comes out as EngineFailed, or as BadInput where the server
        found fault with the request. Leaving closes the stream, and with it the server's work.
        """
        if self._client is None:
            raise EngineFailed(f"the engine for {self.name} is not open")
        self._loop = asyncio.get_running_loop()
        whole = {**body, **self._options.extra_body}
        fields = {name: whole[name] for name in whole if whole[name] is not None and name not in self._options.omit}
        content = {"data": fields, "files": files} if files else {"json": fields}
        response = await self._answer(self._client.build_request("POST", path, **content))
        try:
            yield response
        except httpx.TimeoutException:
            raise EngineFailed(f"{self.name} sent nothing for {self._options.timeout:g} s") from None
        except httpx.HTTPError as error:
            raise EngineFailed(f"the answer of {self.name} broke off: {_reason(error)}") from error
        finally:
            await response.aclose()

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        """The response's head, asked for again where that may help."""
        for attempt in range(self._options.retries + 1):
            if attempt:
                await asyncio.sleep(_PAUSE * attempt)
            last = attempt == self._options.retries
            try:
                response = await self._send(request)
            except httpx.ReadTimeout:  # it is at work: asking again would double its load
                raise EngineFailed(f"{self.name} did not answer within {self._options.timeout:g} s") from None
            except httpx.HTTPError as error:
                if last:
                    raise EngineFailed(f"{self.name} can't be reached: {_reason(error)}") from error
                continue
            if response.status_code == httpx.codes.OK:
                return response
            if last or response.status_code not in _BUSY:
                raise await self._refused(response)
            await response.aclose()
        raise AssertionError("the last attempt returns or raises")

    async def _send(self, request: httpx.Request) -> httpx.Response:
        assert self._client is not None
        return await self._client.send(request, stream=True)

    async def _refused(self, response: httpx.Response) -> PolytalkError:
        try:
            reason = _explanation(await response.aread())
        except httpx.HTTPError:
            reason = ""
        finally:
            await response.aclose()
        if self._key:
            reason = reason.replace(self._key, "…")
        status = response.status_code
        hint = {
            401: " (is the API key right?)",
            403: " (may the API key do this?)",
            404: " (are base_url and model right?)",
            429: " (too many requests; lower `slots` or raise the server's limit)",
        }.get(status, "")
        kind = BadInput if status in _CALLERS_FAULT else EngineFailed
        return kind(f"{self.name} answered {status}{hint}{': ' if reason else ''}{reason}")


def _explanation(body: bytes) -> str:
    """What a server says of its refusal, in one line."""
    try:
        refusal = msgspec.json.decode(body, type=_Refusal)
    except msgspec.DecodeError:
        text = body.decode(errors="replace")
    else:
        error = refusal.error
        text = (error if isinstance(error, str) else error.message) or str(refusal.detail)
    return " ".join(text.split())[:200]


def _reason(error: httpx.HTTPError) -> str:
    return str(error) or type(error).__name__
