"""What holds of every row of events that one client is sent, whatever it sends: order, ids, shapes and sizes."""

import base64
import json
from typing import Any

from pydantic import ValidationError

from tests.support.protocol import Wire, check_event

LARGEST = 1 << 20
"""Characters of a frame: what clients of other servers take."""
AFTERWARDS = {"session.avatar.switch_to_idle"}
"""What may follow a response's end: its last words are still being played then."""


class Answer:
    """A response under way, as told."""

    def __init__(self, aside: bool) -> None:
        self.aside = aside
        self.added: list[str] = []
        self.open: set[str] = set()
        self.parts: set[str] = set()
        """Items with a content part that has begun and is not over."""
        self.said: dict[str, str] = {}
        self.filmed = False


class Watch:
    """Collects what is wrong."""

    def __init__(self) -> None:
        self.wrong: list[str] = []
        self.kinds: dict[str, int] = {}
        self.errors: list[Wire] = []
        self.items: list[str] = []
        """Of the conversation."""
        self.responses: list[str] = []
        self.over: dict[str, str] = {}
        """Response -> how it ended."""
        self.media: Wire | None = None
        """Where films are to be had, by the last word about it."""
        self._ids: set[str] = set()
        self._items: set[str] = set()
        self._utterances: set[str] = set()
        self._open: dict[str, Answer] = {}

    @property
    def active(self) -> str | None:
        """The response under way that is part of the conversation."""
        return next((name for name, answer in self._open.items() if not answer.aside), None)

    def see(self, message: dict[str, Any]) -> None:
        """One frame from the server."""
        text = message.get("text")
        if not isinstance(text, str):
            self._blame("a frame that is no text")
            return
        if len(text) > LARGEST:
            self._blame(f"a frame of {len(text)} characters")
        wire = json.loads(text)
        try:
            check_event(wire)
        except (AssertionError, KeyError, ValidationError) as error:
            self._blame(f"{wire.get('type')}: {error}"[:600])
        self._look(wire)

    def _look(self, wire: Wire) -> None:
        kind: str = wire["type"]
        if not self.kinds and kind != "session.created":
            self._blame(f"{kind} comes before session.created")
        self.kinds[kind] = self.kinds.get(kind, 0) + 1
        if wire["event_id"] in self._ids:
            self._blame(f"{kind}: an event_id comes twice")
        self._ids.add(wire["event_id"])
        match kind.split(".")[0]:
            case "error":
                self.errors.append(wire["error"])
            case "session" if "session" in wire:
                self.media = (wire["session"].get("avatar") or {}).get("media")
                if kind == "session.created" and self.kinds[kind] > 1:
                    self._blame("a second session.created")
            case "conversation":
                self._item(kind, wire)
            case "input_audio_buffer":
                self._utterance(kind, wire)
            case "response":
                self._response(kind, wire)
            case _:
                pass

    def _item(self, kind: str, wire: Wire) -> None:
        if kind == "conversation.item.added":
            item = wire["item"]["id"]
            self._items.add(item)
            self.items.append(item)
            before = wire["previous_item_id"]
            if before is not None and before not in self._items:
                self._blame(f"{item} stands behind {before}, which nobody was told of")
            return
        item = wire.get("item_id") or wire["item"]["id"]
        if item not in self._items:
            self._blame(f"{kind} of {item}, which nobody was told of")
        if kind == "conversation.item.deleted":
            self.items = [one for one in self.items if one != item]

    def _utterance(self, kind: str, wire: Wire) -> None:
        item = wire.get("item_id", "")
        if kind.endswith("speech_started"):
            if item in self._utterances:
                self._blame(f"{item} begins twice")
            self._utterances.add(item)
        elif kind.endswith("speech_stopped") and item not in self._utterances:
            self._blame(f"{item} ends and did not begin")
        elif kind.endswith("committed") and item in self._items:
            self._blame(f"{item} is committed, and was an item before")

    def _response(self, kind: str, wire: Wire) -> None:
        if kind == "response.created":
            self._created(wire["response"])
            return
        name = wire.get("response_id") or wire["response"]["id"]
        answer = self._open.get(name)
        if answer is None:
            when = "after its end" if name in self.over else "before its beginning"
            self._blame(f"{kind} of {name} {when}")
            return
        if kind == "response.done":
            del self._open[name]
            self.over[name] = wire["response"]["status"]
            if answer.open:
                self._blame(f"{name} is over, and of its items are not: {sorted(answer.open)}")
            if [one["id"] for one in wire["response"]["output"]] != answer.added:
                self._blame(f"{name} has other items in the end than it had: {answer.added}")
            if wire["response"]["status"] == "in_progress":
                self._blame(f"{name} is over and in progress")
            return
        self._part(kind, wire, answer)

    def _created(self, response: Wire) -> None:
        name, aside = response["id"], response["conversation_id"] is None
        if name in self._open or name in self.over:
            self._blame(f"{name} begins twice")
        if not aside and self.active is not None:
            self._blame(f"{name} begins while {self.active} goes on")
        self._open[name] = Answer(aside)
        self.responses.append(name)

    def _part(self, kind: str, wire: Wire, answer: Answer) -> None:
        if kind == "response.output_item.added":
            item = wire["item"]["id"]
            if wire["output_index"] != len(answer.added):
                self._blame(f"{item} is at place {wire['output_index']} and not {len(answer.added)}")
            answer.added.append(item)
            answer.open.add(item)
            return
        item = wire.get("item_id") or wire["item"]["id"]
        if kind.startswith("response.video"):
            self._film(kind, wire, answer)
            return
        if item not in answer.open:
            self._blame(f"{kind} of {item}, which is not under way")
            return
        if answer.added[wire["output_index"]] != item:
            self._blame(f"{kind} of {item} names the place of another")
        if kind == "response.output_item.done":
            answer.open.discard(item)
        elif kind == "response.content_part.added":
            answer.parts.add(item)
        elif kind == "response.content_part.done":
            answer.parts.discard(item)
        elif "function_call" not in kind and item not in answer.parts:
            self._blame(f"{kind} of {item} outside its part")
        elif kind in ("response.output_text.delta", "response.output_audio_transcript.delta"):
            answer.said[item] = answer.said.get(item, "") + wire["delta"]
        elif kind == "response.output_text.done" and wire["text"] != answer.said.get(item, ""):
            self._blame(f"{item} says something else in the end: {wire['text'][:80]!r}")

    def _film(self, kind: str, wire: Wire, answer: Answer) -> None:
        if kind.endswith("delta"):
            if not answer.filmed and base64.b64decode(wire["delta"])[4:8] != b"ftyp":
                self._blame("a film without a beginning")
            answer.filmed = True
            if not wire["codec"]:
                self._blame("a film of no codec")

    def _blame(self, what: str) -> None:
        self.wrong.append(what)


class Reel:
    """The same of a media socket: films lie between their begin and their end."""

    def __init__(self) -> None:
        self.wrong: list[str] = []
        self.bytes = 0
        self._film: str | None = None
        self._fresh = False

    def see(self, message: dict[str, Any]) -> None:
        """One frame."""
        data = message.get("bytes")
        if data is not None:
            self.bytes += len(data)
            if self._film is None:
                self.wrong.append("pictures of no film")
            elif self._fresh and data[4:8] != b"ftyp":
                self.wrong.append("a film on the media socket without a beginning")
            self._fresh = False
            return
        wire = json.loads(message["text"])
        match wire["type"]:
            case "media.begin":
                if self._film is not None:
                    self.wrong.append(f"{wire['response_id']} begins before {self._film} ends")
                self._film, self._fresh = wire["response_id"], True
            case "media.end" | "media.flush" if wire["response_id"] == self._film:
                self._film = None
            case "media.end":
                self.wrong.append(f"{wire['response_id']} ends and was not begun")
            case "media.flush":
                pass
            case other:
                self.wrong.append(f"a frame {other!r} on the media socket")
