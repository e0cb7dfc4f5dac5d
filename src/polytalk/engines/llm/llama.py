"""llama.cpp in this process: its continuous batching, bridged from its threads to asyncio."""

import asyncio
import ctypes
import secrets
import signal
import tempfile
import threading
from collections.abc import AsyncGenerator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import msgspec
import xllamacpp

from polytalk.errors import BadInput, EngineFailed, SetupError


class Delta(msgspec.Struct, frozen=True):
    """What a step adds to the answer."""

    content: str | None = None


class Choice(msgspec.Struct, frozen=True):
    """One of the answers that are made at once; here the only one."""

    delta: Delta = Delta()
    finish_reason: str | None = None


class PromptDetails(msgspec.Struct, frozen=True):
    """Where the prompt's tokens came from."""

    cached_tokens: int = 0


class TokenUsage(msgspec.Struct, frozen=True):
    """What an answer cost."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    prompt_tokens_details: PromptDetails | None = None


class Fault(msgspec.Struct, frozen=True):
    """Why there is no answer."""

    message: str
    code: int = 500


class Step(msgspec.Struct, frozen=True):
    """One chunk of a streamed chat completion."""

    choices: tuple[Choice, ...] = ()
    usage: TokenUsage | None = None
    error: Fault | None = None


_LONGEST_SOCKET = 100
"""Characters of a path; the system's limit is 107."""
_CLOSED = "the language model is being shut down"
_decode = msgspec.json.Decoder(Step).decode


class LlamaServer:
    """A model that is read once and answers `slots` chats at the same time.

    Each running chat occupies a thread that waits inside llama.cpp, without the GIL, and is called back per token.
    """

    def __init__(self, model: Path, *, slots: int, context: int, threads: int, cache_mib: int) -> None:
        """Read the model and answer once. Blocking (about 1 s). Raises SetupError.

        `context` is in tokens per slot; `cache_mib` is how much memory prompts of idle chats may take.
        """
        self.slots = slots
        self._folder = tempfile.TemporaryDirectory(prefix="polytalk-llm-")
        self._socket = f"{self._folder.name}/http.sock"
        if len(self._socket) > _LONGEST_SOCKET:
            raise SetupError(f"{self._socket} is too long a path for a socket: set TMPDIR to a shorter folder")
        key = secrets.token_urlsafe(32)
        settings = self._settings(model, slots, context, threads, cache_mib, key)
        self._stopping = threading.Event()
        self._pool = ThreadPoolExecutor(slots, thread_name_prefix="llama")
        try:
            with _signal_handlers_kept():
                self._server: Any = xllamacpp.Server(settings)
        except RuntimeError as error:
            self._folder.cleanup()
            raise SetupError(f"llama.cpp can't run {model.name}: {error}") from error
        self._http = httpx.Client(
            base_url="http://llama",
            transport=httpx.HTTPTransport(uds=self._socket),
            headers={"Authorization": f"Bearer {key}"},
            timeout=60,
        )
        self._ask({"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 1})  # see `close`

    def _settings(
        self, model: Path, slots: int, context: int, threads: int, cache_mib: int, key: str
    ) -> xllamacpp.CommonParams:
        settings = xllamacpp.CommonParams()
        # The library always serves HTTP too. A socket in a folder of our own, behind a key that nobody
        # knows, is a door that nobody finds.
        settings.hostnames = [self._socket]
        settings.api_keys = [key]
        settings.n_threads_http = 1
        settings.ui = False
        settings.endpoint_slots = False  # the list of what every slot is doing
        settings.slot_save_path = f"{self._folder.name}/"
        settings.verbosity = -1
        settings.model.path = str(model)
        settings.n_gpu_layers = 0
        settings.fit_params = False
        settings.n_parallel = slots
        settings.n_ctx = slots * context
        settings.cpuparams.n_threads = threads
        settings.cpuparams_batch.n_threads = threads
        settings.cache_ram_mib = cache_mib
        settings.n_cache_reuse = 32  # when the oldest turns go, what follows them is moved instead of computed anew
        return settings

    def close(self) -> None:
        """Stop every chat within a token, then give threads and memory back.

        A callback under a dying server deadlocks, so the chats end first; so does a server that is dropped before
        its first answer, so `__init__` asks it one.
        """
        self._stopping.set()
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._http.close()
        self._server = None
        self._folder.cleanup()

    def count(self, text: str) -> int:
        """Tokens of a text. Blocks for less than a millisecond. Raises EngineFailed."""
        return len(self._control("/tokenize", content=text)["tokens"])

    def prime(self, request: Mapping[str, object]) -> None:
        """Compute the prompt of a request once and give it to every slot.

        Without this each slot computes a common beginning for itself: eight first callers at once waited 13 s
        instead of 2. Blocks for as long as the prompt takes; only while no chat is running. Raises EngineFailed.
        """
        self._ask({**request, "max_tokens": 1, "id_slot": 0})
        state = {"filename": "prompt.bin"}  # in our folder; some 20 kB per token
        self._control("/slots/0?action=save", **state)
        for slot in range(1, self.slots):
            self._control(f"/slots/{slot}?action=restore", **state)
        Path(self._folder.name, state["filename"]).unlink(missing_ok=True)

    def _ask(self, request: Mapping[str, object]) -> None:
        answer = self._alive().handle_chat_completions(msgspec.to_builtins({**request, "stream": False}))
        _check(msgspec.convert(answer, Step))

    def _alive(self) -> Any:
        """The server, for the time of one call: it is destroyed when nobody holds it any more."""
        server = self._server
        if server is None or self._stopping.is_set():
            raise EngineFailed(_CLOSED)
        return server

    def _control(self, path: str, **body: str) -> Any:
        try:
            return self._http.post(path, json=body).raise_for_status().json()
        except (httpx.HTTPError, RuntimeError) as error:  # RuntimeError: closed meanwhile
            raise EngineFailed(f"llama.cpp did not answer {path}: {error}") from error

    async def chat(self, request: Mapping[str, object]) -> AsyncGenerator[Step, None]:
        """The steps of an answer to a request of `/v1/chat/completions`.

        Leaving the iterator stops the computation at the next token. Raises BadInput when llama.cpp refuses the
        request, EngineFailed when it fails.
        """
        loop = asyncio.get_running_loop()
        steps: asyncio.Queue[bytes | None] = asyncio.Queue()  # bounded by the request's max_tokens
        left = threading.Event()

        def post(step: bytes | None) -> None:
            with suppress(RuntimeError):  # the loop is closed: nobody listens any more
                loop.call_soon_threadsafe(steps.put_nowait, step)

        def on_step(step: bytes) -> bool:
            """Called by llama.cpp on its thread. True stops the chat."""
            if left.is_set() or self._stopping.is_set():
                return True
            post(step)
            return False

        def answer() -> None:
            if not (left.is_set() or self._stopping.is_set()):
                self._alive().handle_chat_completions(body, on_step)

        body = msgspec.json.encode({**request, "stream": True, "stream_options": {"include_usage": True}})
        try:
            running = self._pool.submit(answer)
        except RuntimeError:
            raise EngineFailed(_CLOSED) from None
        running.add_done_callback(lambda _: post(None))  # called for a cancelled future too
        try:
            while (step := await steps.get()) is not None:
                yield _check(_decode(step))
            if self._stopping.is_set():
                raise EngineFailed(_CLOSED)
            if (fault := running.exception()) is not None:
                raise EngineFailed(f"llama.cpp failed: {fault}")
        finally:
            left.set()


def _check(step: Step) -> Step:
    if step.error is None:
        return step
    kind = BadInput if 400 <= step.error.code < 500 else EngineFailed
    raise kind(f"llama.cpp refused the request: {step.error.message}")


@contextmanager
def _signal_handlers_kept() -> Iterator[None]:
    """llama.cpp's server takes SIGINT and SIGTERM for itself; this gives them back to Python.

    By the C library, because `signal.signal` works on the main thread only and can't see C handlers.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    kept = {number: ctypes.create_string_buffer(256) for number in (signal.SIGINT, signal.SIGTERM)}
    for number, action in kept.items():
        libc.sigaction(number, None, action)
    try:
        yield
    finally:
        for number, action in kept.items():
            libc.sigaction(number, action, None)
