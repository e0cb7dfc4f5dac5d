"""Items of the conversation on the wire: read from what clients send, and shown."""

from typing import Any

from polytalk.config import Limits
from polytalk.dialogue.conversation.items import Item, Part
from polytalk.dialogue.conversation.tools import fault_of
from polytalk.dialogue.ids import new_id
from polytalk.errors import BadInput
from polytalk.gateway.bounds import LONGEST_ID
from polytalk.gateway.realtime.formats import Format, decode_whole
from polytalk.gateway.realtime.session_patch import ContentPart, ItemParam
from polytalk.gateway.realtime.tools import check_name

_TEXT = {
    "user": ("input_text", "text"),
    "system": ("input_text", "text"),
    "assistant": ("output_text", "output_audio", "text", "audio"),
}


def read_item(given: ItemParam, limits: Limits, coding: Format, param: str = "item") -> tuple[Item, bytes]:
    """An item, and the audio in it (PCM16 at `SPEECH_RATE`). Raises BadInput."""
    if given.id is not None and not 1 <= len(given.id) <= LONGEST_ID:
        raise BadInput(f"an id has 1 to {LONGEST_ID} characters, not {len(given.id)}", param=f"{param}.id")
    item_id = given.id or new_id("item")
    match given.type:
        case "message":
            return _message(given, item_id, limits, coding, param)
        case "function_call":
            return _call(given, item_id, limits, param), b""
        case "function_call_output":
            return _output(given, item_id, limits, param), b""
    raise BadInput(
        f"items are message, function_call or function_call_output here, not {given.type!r}", param=f"{param}.type"
    )


def _message(given: ItemParam, item_id: str, limits: Limits, coding: Format, param: str) -> tuple[Item, bytes]:
    parts: list[Part] = []
    audio = b""
    for index, part in enumerate(given.content):
        where = f"{param}.content[{index}]"
        if part.type == "input_image":
            raise BadInput("no engine here sees pictures; describe it in words", param=f"{where}.type")
        if part.type in _TEXT[given.role]:
            text = part.text if part.text is not None else part.transcript
            parts.append(Part("text", text or ""))
        elif part.type == "input_audio" and given.role == "user":
            parts.append(Part("audio"))
            audio += _audio(part, coding, where)
        else:
            allowed = ", ".join((*_TEXT[given.role][:1], *(("input_audio",) if given.role == "user" else ())))
            raise BadInput(f"a part of the {given.role}'s is {allowed}, not {part.type!r}", param=f"{where}.type")
    item = Item(item_id, given.role, parts=parts)
    item.text = "\n".join(part.text for part in parts if part.text).strip()
    if not item.text and not audio:
        raise BadInput("the item has no words; give it a content part with text", param=f"{param}.content")
    _bound(item.text, limits, f"{param}.content")
    if len(parts) == 1:  # text and nothing else says it all
        item.parts, item.spoken = [], bool(audio)
    return item, audio


def _audio(part: ContentPart, coding: Format, where: str) -> bytes:
    if not part.audio:
        if part.transcript:
            raise BadInput("a transcript alone is no audio; send it as input_text", param=f"{where}.audio")
        raise BadInput("the part has no audio", param=f"{where}.audio")
    return decode_whole(part.audio, coding)


def _call(given: ItemParam, item_id: str, limits: Limits, param: str) -> Item:
    if not given.name:
        raise BadInput("a function_call has the name of a function", param=f"{param}.name")
    check_name(given.name, f"{param}.name")
    arguments = given.arguments or "{}"
    _bound(arguments, limits, f"{param}.arguments")
    if fault := fault_of(arguments):
        raise BadInput(f"arguments are a JSON object in a string ({fault})", param=f"{param}.arguments")
    call = given.call_id or new_id("call")
    return Item(item_id, "assistant", arguments, kind="function_call", call_id=call, name=given.name)


def _output(given: ItemParam, item_id: str, limits: Limits, param: str) -> Item:
    if not given.call_id:
        raise BadInput("a function_call_output has the call_id of its call", param=f"{param}.call_id")
    output = given.output or ""
    _bound(output, limits, f"{param}.output")
    return Item(item_id, "user", output, kind="function_call_output", call_id=given.call_id)


def _bound(text: str, limits: Limits, param: str) -> None:
    if len(text) > limits.max_text_chars:
        raise BadInput(f"an item may have {limits.max_text_chars} characters, not {len(text)}", param=param)


def item_object(item: Item) -> dict[str, Any]:
    """An item of the conversation as clients see it.

    A user's audio part must carry `transcript` even while it is null; nothing else may be null.
    """
    shown: dict[str, Any] = {"id": item.id, "object": "realtime.item", "type": item.kind, "status": item.status}
    if item.kind == "function_call":
        return shown | {"call_id": item.call_id, "name": item.name, "arguments": item.text}
    if item.kind == "function_call_output":
        return shown | {"call_id": item.call_id, "output": item.text}
    return shown | {"role": item.role, "content": _content(item)}


def _content(item: Item) -> list[dict[str, Any]]:
    if item.role == "assistant":
        if not item.text and item.status == "in_progress":
            return []
        if item.spoken:
            return [{"type": "output_audio", "transcript": item.text}]
        return [{"type": "output_text", "text": item.text}]
    parts = item.parts or [Part("audio" if item.spoken else "text", item.text)]
    return [
        {"type": "input_audio", "transcript": part.text or None}
        if part.type == "audio"
        else {"type": "input_text", "text": part.text}
        for part in parts
    ]
