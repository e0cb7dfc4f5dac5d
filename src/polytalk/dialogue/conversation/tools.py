"""Functions of the client that an LLM may call, and whether it must."""

from collections.abc import Sequence
from typing import Any, Literal

import msgspec
from msgspec import Struct


class Tool(Struct, frozen=True):
    """A function."""

    name: str
    description: str = ""
    parameters: dict[str, Any] = {}
    """JSON Schema of its arguments."""


class ToolChoice(Struct, frozen=True):
    """Whether an LLM may, must or must not call; `name`: this function and no other."""

    mode: Literal["auto", "none", "required"] = "auto"
    name: str = ""


def fault_of(arguments: str) -> str:
    """Why arguments of a call are no JSON object; "" when they are one."""
    try:
        msgspec.json.decode(arguments, type=dict)
    except (msgspec.DecodeError, RecursionError) as error:
        return str(error)
    return ""


def offered(tools: Sequence[Tool], choice: ToolChoice) -> str:
    """As `ThinkWork.extra` has them; "" for none."""
    if not tools:
        return ""
    functions = [{"type": "function", "function": tool} for tool in tools]
    named = {"type": "function", "function": {"name": choice.name}}
    return msgspec.json.encode({"tools": functions, "tool_choice": named if choice.name else choice.mode}).decode()
