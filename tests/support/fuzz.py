"""Clients that do anything at any time, as a state machine of hypothesis on a gateway in virtual time.

Each example has a gateway and an event loop of its own and leaves nothing behind, so that it comes out the same
wherever it runs, and whatever ran before it.
"""

import asyncio
import base64
import json
import logging
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar

import looptime
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from polytalk.config import Limits, VideoSettings
from polytalk.errors import BadInput, EngineFailed, PolytalkError, Shed, Unspeakable, WorkerLost
from polytalk.gateway.realtime import client_events as ce
from polytalk.media.pcm import silence
from polytalk.types import SPEECH_RATE, Seconds, ToolDelta
from tests.support.engines import Fault
from tests.support.fuzz_events import ANSWERED, BAD, GOOD, RAW, Event, settled
from tests.support.gateway import Gateway, Socket
from tests.support.sound import voice
from tests.support.watch import Reel, Watch

T = TypeVar("T")
MOST = 3
"""Sessions at once; the next is refused."""
LATE = 20
"""Times that an answer is looked for again."""
MOMENT: Seconds = 0.001
"""For a frame: all that can be done at once is done by then."""
OVER: Seconds = 400.0
"""After which nothing of a session that is over may be left."""
REPLIES = [
    "Yes, it is.",
    "",
    " ",
    "…",
    "你好，我是米拉。今天天气很好。",
    "Well. " * 40,
    "# No\n* full stops\n\n```and code```",
    "One two three four five six seven eight nine ten eleven twelve. " * 4,
]
CALLS = [
    [ToolDelta(0, "call_x", "clock", "{}")],
    [ToolDelta(0, "call_a", "clock", '{"at"'), ToolDelta(0, "", "", ": 1}")],
    [ToolDelta(0, "", "ghost", "{}")],
    [ToolDelta(0, "", "clock", "["), ToolDelta(1, "", "clock", "{}")],
    [ToolDelta(0, "", "clock", '{"a":' + "[" * 3_000)],
    [ToolDelta(7, "", "", "")],
]
ERRORS: list[PolytalkError] = [
    EngineFailed("it broke"),
    Shed("it is full", retry_after=1.0),
    WorkerLost("it went away"),
    Unspeakable("nothing to say"),
    BadInput("it does not like this"),
]
QUESTION = voice(0.5) + silence(0.8, SPEECH_RATE)
"""A word, and a silence that ends the turn."""
WRITTEN = {"type": "message", "content": [{"type": "input_text", "text": "Is it?"}]}
CLOCK = {"type": "function", "name": "clock"}
SECONDS = st.sampled_from([0.0, MOMENT, 0.05, 0.3, 1.0, 4.0, 12.0])


@dataclass
class Tally:
    """What was done so far, in all examples of a process."""

    events: int = 0
    errors: int = 0
    """Of clients, that were answered by an error."""
    sessions: int = 0
    examples: int = 0


@dataclass
class Guest:
    """A client and what it was sent."""

    socket: Socket
    watch: Watch = field(default_factory=Watch)
    media: Socket | None = None
    reel: Reel = field(default_factory=Reel)

    @property
    def listens(self) -> bool:
        """Whether what is sent to it arrives at once."""
        return self.socket.open and self.socket.reads.is_set()


class Logs(logging.Handler):
    """Keeps what is logged as an error."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """See logging."""
        self.said.append(logging.Formatter().format(record)[-3_000:])


class Conversations(RuleBasedStateMachine):
    """See the module."""

    tally: ClassVar[Tally] = Tally()

    def __init__(self) -> None:
        super().__init__()
        self.tally.examples += 1
        self.guests: list[Guest] = []
        self.wrong: list[str] = []
        self._sent = 0
        self._logs = Logs()
        for name in ("polytalk", "asyncio", "uvicorn"):
            logging.getLogger(name).addHandler(self._logs)
        self._loop = looptime.new_event_loop(start=0, noop_cycles=2)  # nothing here waits for a thread
        self._loop.set_exception_handler(lambda _, context: self.wrong.append(f"the loop: {context}"))
        self._gateway: Gateway | None = None
        self._before: set[asyncio.Task[Any]] = set()

    @initialize(slots=st.sampled_from([64, 1]), reply=st.sampled_from(REPLIES))
    def begins(self, slots: int, reply: str) -> None:
        """With a language model for many or for one at a time."""
        self.run(self._begin(slots, reply))

    # --- what clients do -----------------------------------------------------------------------------------------

    @rule(model=st.sampled_from(["mira", "mira", "theo", "gpt-realtime", "ghost", "", "\x00"]))
    def calls(self, model: str) -> None:
        """One comes."""
        self.run(self._call({"model": model}))

    @rule(who=st.integers(0, MOST), code=st.sampled_from([1000, 1001, 1006]))
    def hangs_up(self, who: int, code: int) -> None:
        """One goes."""
        if self.guests:
            self.run(self._hang_up(self.guests.pop(who % len(self.guests)), code))

    @rule(who=st.integers(0, MOST), events=st.lists(GOOD, min_size=1, max_size=4))
    def says(self, who: int, events: list[Event]) -> None:
        """Events of the right types, one after another."""
        for event in events:
            self.run(self._say(self._guest(who), event))

    @rule(who=st.integers(0, MOST), events=st.lists(GOOD, min_size=2, max_size=5))
    def says_at_once(self, who: int, events: list[Event]) -> None:
        """Several events before the first is answered."""
        self.run(self._say_at_once(self._guest(who), events))

    @rule(who=st.integers(0, MOST), events=st.lists(BAD, min_size=1, max_size=4))
    def errs(self, who: int, events: list[Event]) -> None:
        """Events in each of which something is wrong."""
        for event in events:
            self.run(self._say(self._guest(who), event))

    @rule(who=st.integers(0, MOST), frame=RAW)
    def babbles(self, who: int, frame: str | bytes) -> None:
        """A frame that is no event."""
        self.run(self._babble(self._guest(who), frame))

    @rule(
        who=st.integers(0, MOST),
        seconds=st.sampled_from([0.05, 0.4, 1.2]),
        loud=st.booleans(),
        step=st.sampled_from([1_920, 960, 9_600, 4_801, 48_000]),
        live=st.booleans(),
    )
    def speaks(self, who: int, seconds: Seconds, loud: bool, step: int, live: bool) -> None:
        """Sound from a microphone, as it is spoken or all at once."""
        pcm = voice(seconds) if loud else silence(seconds, SPEECH_RATE)
        self.run(self._speak(self._guest(who), pcm, step, live=live))

    @rule(who=st.integers(0, MOST))
    def asks(self, who: int) -> None:
        """A question, and silence until the turn has ended."""
        self.run(self._speak(self._guest(who), QUESTION, 4_800, live=True))

    @rule(who=st.integers(0, MOST), aside=st.booleans(), tools=st.booleans())
    def writes(self, who: int, aside: bool, tools: bool) -> None:
        """A question in writing, within the conversation or beside it."""
        guest = self._guest(who)
        self.run(self._say(guest, {"type": "conversation.item.create", "item": WRITTEN}))
        response = {"conversation": "none" if aside else "auto"} | ({"tools": [CLOCK]} if tools else {})
        self.run(self._say(guest, {"type": "response.create", "response": response}))

    @rule(
        who=st.integers(0, MOST),
        protocol=st.sampled_from(["websocket", "media", None]),
        fps=st.sampled_from([5, 25]),
        words=st.booleans(),
    )
    def looks(self, who: int, protocol: str | None, fps: int, words: bool) -> None:
        """One wants an avatar, drawn here or there."""
        avatar = {"output_protocol": protocol, "video": {"fps": fps}}
        session = {"avatar": avatar, "output_audio_timestamp_types": ["word"] if words else None}
        self.run(self._say(self._guest(who), {"type": "session.update", "session": session}))

    @rule(who=st.integers(0, MOST))
    def stalls(self, who: int) -> None:
        """One stops reading, or goes on."""
        reads = self._guest(who).socket.reads
        self.run(self._turn(reads))

    @rule(who=st.integers(0, MOST), right=st.integers(0, 3), frame=st.one_of(st.none(), RAW))
    def watches(self, who: int, right: int, frame: str | bytes | None) -> None:
        """One opens a media socket, with the right token or another, and perhaps says something there."""
        self.run(self._watch(self._guest(who), right=right > 0, frame=frame))

    @rule(who=st.integers(0, MOST))
    def looks_away(self, who: int) -> None:
        """One closes its media socket."""
        media = self._guest(who).media
        if media is not None:
            self.run(self._leave(media))

    @rule(seconds=SECONDS)
    def waits(self, seconds: Seconds) -> None:
        """Nothing is done for a while."""
        self.run(asyncio.sleep(seconds))

    # --- what engines do -----------------------------------------------------------------------------------------

    @rule(engine=st.integers(0, 5), error=st.sampled_from(ERRORS), after=st.integers(0, 1))
    def breaks(self, engine: int, error: PolytalkError, after: int) -> None:
        """The next request to an engine fails."""
        assert self._gateway is not None
        self._gateway.engines[engine].faults.append(Fault(error, after))

    @rule(
        reply=st.sampled_from(REPLIES),
        calls=st.one_of(st.none(), st.sampled_from(CALLS)),
        finish=st.sampled_from(["stop", "length", "content_filter"]),
    )
    def thinks(self, reply: str, calls: list[ToolDelta] | None, finish: str) -> None:
        """What the language model will say, and whom it will call."""
        assert self._gateway is not None
        llm = self._gateway.llm
        llm.reply, llm.finish = reply, finish
        if calls is not None:
            llm.calls.append(calls)

    # --- what must hold ------------------------------------------------------------------------------------------

    @invariant()
    def nothing_is_wrong(self) -> None:
        """No event out of order, nothing in the log, no failure of the application."""
        for guest in self.guests:
            self._gather(guest)
        wrong = [*self.wrong, *(f"the log: {one}" for one in self._logs.said)]
        assert not wrong, "\n".join(wrong)

    def teardown(self) -> None:
        """All leave; nothing is left of them, and the next is served as if they had never been."""
        try:
            if self._gateway is not None:
                self.run(self._end())
            self.nothing_is_wrong()
        finally:
            for name in ("polytalk", "asyncio", "uvicorn"):
                logging.getLogger(name).removeHandler(self._logs)
            self.run(_end_all())
            self.run(self._loop.shutdown_asyncgens())
            self._loop.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """On the example's own loop."""
        return self._loop.run_until_complete(work)

    async def _begin(self, slots: int, reply: str) -> None:
        self._gateway = await Gateway(
            reply,
            slots,
            limits=Limits(max_sessions=MOST, outbox_events=300, queue_turns=4),
            video=VideoSettings(size=64),
            prompts={"kept": "You are {{who}}."},
        ).__aenter__()
        self._before = asyncio.all_tasks()

    async def _end(self) -> None:
        gateway = self._gateway
        assert gateway is not None
        for guest in self.guests:
            await self._hang_up(guest, 1000)
        self.guests.clear()
        await asyncio.sleep(OVER)
        self._left_behind()
        for engine in gateway.engines:
            engine.faults.clear()
        gateway.llm.reply, gateway.llm.finish = "Yes, it is.", "stop"
        gateway.llm.calls.clear()
        for _ in range(MOST):  # no place was lost
            await self._call({"model": "mira"})
        if len(self.guests) != MOST:
            self.wrong.append(f"of {MOST} places {len(self.guests)} are left")
        for guest in self.guests[:1]:
            await self._speak(guest, QUESTION, 4_800, live=True)
            await asyncio.sleep(5)
            if [*guest.watch.over.values()] != ["completed"]:
                self.wrong.append(f"the next client was answered {guest.watch.over}")
        for guest in self.guests:
            await self._hang_up(guest, 1000)
        self.guests.clear()
        await asyncio.sleep(OVER)
        self._left_behind()
        await gateway.__aexit__(None, None, None)

    def _left_behind(self) -> None:
        assert self._gateway is not None
        if left := self._gateway.left():
            self.wrong.append(f"sessions are over, and there are {left}"[:2_000])
        if tasks := asyncio.all_tasks() - self._before - {asyncio.current_task()}:
            self.wrong.append(f"sessions are over, and {tasks} go on"[:2_000])

    def _guest(self, who: int) -> Guest:
        if not self.guests:
            self.calls("mira")
        return self.guests[who % len(self.guests)]

    async def _call(self, query: dict[str, str]) -> None:
        assert self._gateway is not None
        watch = Watch()
        socket = self._gateway.socket(query=query, note=watch.see)
        await asyncio.sleep(MOMENT)
        guest = Guest(socket, watch)
        if socket.accepted:
            self.tally.sessions += 1
            self.guests.append(guest)
            return
        self._gather(guest)
        expected = 404 if query["model"] in ("ghost", "", "\x00") else 503
        if socket.status != expected:
            self.wrong.append(f"{query} was answered {socket.status}, not {expected}")

    async def _hang_up(self, guest: Guest, code: int) -> None:
        guest.socket.leave(code)
        await asyncio.sleep(MOMENT)
        async with asyncio.timeout(OVER):
            await guest.socket.serving
        if guest.media is not None:
            await asyncio.sleep(MOMENT)
            if guest.media.open:
                self.wrong.append("a session is over, and its media socket goes on")
            await self._leave(guest.media)
        self._gather(guest)

    @staticmethod
    async def _leave(socket: Socket) -> None:
        socket.leave()
        async with asyncio.timeout(OVER):
            await socket.serving

    @staticmethod
    async def _turn(reads: asyncio.Event) -> None:
        if reads.is_set():
            reads.clear()
        else:
            reads.set()
        await asyncio.sleep(MOMENT)

    async def _say(self, guest: Guest, event: Event) -> None:
        watch, listened, active = guest.watch, guest.listens, guest.watch.active
        name, frame = self._frame(guest, event)
        errors, before = len(watch.errors), dict(watch.kinds)
        guest.socket.send(frame)
        await asyncio.sleep(MOMENT)
        if not listened or not guest.listens:
            return
        new = watch.errors[errors:]
        self.tally.errors += len(new)
        if name is not None and [error for error in new if error["event_id"] not in (name, None)]:
            self.wrong.append(f"{frame[:300]!r} was answered by another event's error: {new}")
        try:
            what = ce.decode(frame)
        except BadInput:
            if len(new) != 1 or (new[0]["event_id"] != name and ce.event_id_of(frame) is not None):
                self.wrong.append(f"{frame[:300]!r} is no event, and was answered by {new}")
            return
        reply = ANSWERED.get(event["type"])
        cancelled = (what.response_id or active) if isinstance(what, ce.ResponseCancel) else None

        def answered() -> bool:
            own = [error for error in watch.errors[errors:] if error["event_id"] == name]
            if own or (reply is None and cancelled is None):
                return len(own) <= 1
            return cancelled in watch.over if reply is None else watch.kinds.get(reply, 0) > before.get(reply, 0)

        for _ in range(LATE):  # the end of a film that is being encoded comes first
            if answered() or not guest.listens:
                return
            await asyncio.sleep(0.05)
        self.wrong.append(f"{frame[:300]!r} was answered by nothing, or by several errors")

    async def _say_at_once(self, guest: Guest, events: list[Event]) -> None:
        for event in events:
            guest.socket.send(self._frame(guest, event)[1])
        await asyncio.sleep(MOMENT)

    def _frame(self, guest: Guest, event: Event) -> tuple[str | None, str]:
        self._sent += 1
        self.tally.events += 1
        known = {"item": guest.watch.items, "response": guest.watch.responses}
        wire = {"event_id": f"mine_{self._sent}", **settled(event, known)}
        name = wire["event_id"]
        return name if isinstance(name, str) else None, json.dumps(wire)

    async def _babble(self, guest: Guest, frame: str | bytes) -> None:
        listened, errors = guest.listens, len(guest.watch.errors)
        self.tally.events += 1
        guest.socket.send(frame)
        await asyncio.sleep(MOMENT)
        new = guest.watch.errors[errors:]
        self.tally.errors += len(new)
        if listened and guest.listens and len(new) != 1:
            self.wrong.append(f"{frame[:100]!r} was answered by {new}")

    async def _speak(self, guest: Guest, pcm: bytes, step: int, *, live: bool) -> None:
        for at in range(0, len(pcm), step):
            part = pcm[at : at + step]
            self.tally.events += 1
            audio = base64.b64encode(part).decode()
            guest.socket.send(json.dumps({"type": "input_audio_buffer.append", "audio": audio}))
            await asyncio.sleep(len(part) / 2 / SPEECH_RATE if live else 0)
        await asyncio.sleep(MOMENT)

    async def _watch(self, guest: Guest, *, right: bool, frame: str | bytes | None) -> None:
        assert self._gateway is not None
        where = guest.watch.media
        session = (where["url"].partition("session=")[2] if where else "") if right else "sess_ghost"
        token = where["token"] if where and right else "\x00é"
        offered = ("polytalk.media", f"polytalk.token.{token}")
        media = self._gateway.socket("/v1/realtime/media", {"session": session}, None, offered, guest.reel.see)
        if guest.media is not None and media is not None:
            guest.reel = Reel()
        await asyncio.sleep(MOMENT)
        if where is None or not right or not guest.socket.open:
            if media.status not in (401, 429):
                self.wrong.append(f"a media socket without a token was answered {media.status}")
            return
        if not media.accepted:
            if media.status != 429:
                self.wrong.append(f"a media socket with its token was answered {media.status}")
            return
        before, guest.media = guest.media, media
        if before is not None and before.open:
            self.wrong.append("a second media socket came, and the first goes on")
        if frame is not None:
            media.send(frame)
            await asyncio.sleep(MOMENT)

    def _gather(self, guest: Guest) -> None:
        self.wrong += guest.watch.wrong
        self.wrong += guest.reel.wrong
        guest.watch.wrong.clear()
        guest.reel.wrong.clear()
        for socket in (guest.socket, guest.media):
            if socket is not None and socket.failure is not None:
                self.wrong.append(f"the application failed: {socket.failure!r}")
                socket.failure = None


async def _end_all() -> None:
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
