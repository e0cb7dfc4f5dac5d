"""Functions of the client, as `session.tools` names them."""

import re
from collections.abc import Sequence
from typing import Any

from polytalk.dialogue.conversation.tools import Tool, ToolChoice
from polytalk.errors import BadInput
from polytalk.gateway.bounds import written
from polytalk.gateway.realtime.session_patch import ToolChoiceParam, ToolParam

MOST = 128
MOST_BYTES = 128 << 10
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


def read_tools(given: Sequence[ToolParam], param: str) -> tuple[Tool, ...]:
    """Raises BadInput for a tool of another kind, a name that can't be one, and a name that comes twice."""
    if len(given) > MOST:
        raise BadInput(f"there may be {MOST} tools, not {len(given)}", param=param)
    tools: dict[str, Tool] = {}
    for index, one in enumerate(given):
        where = f"{param}[{index}]"
        if one.type != "function":
            raise BadInput(f"tools are functions here, not {one.type!r}", param=f"{where}.type")
        check_name(one.name, f"{where}.name")
        if one.name in tools:
            raise BadInput(f"there are two functions {one.name!r}", param=f"{where}.name")
        tools[one.name] = Tool(one.name, one.description, one.parameters or {"type": "object", "properties": {}})
    size = sum(len(written(tool, param)) for tool in tools.values())
    if size > MOST_BYTES:
        raise BadInput(f"functions may have {MOST_BYTES} bytes of JSON in all, not {size}", param=param)
    return tuple(tools.values())


def check_name(name: str, param: str) -> None:
    """Raises BadInput for what no function can be called."""
    if not _NAME.fullmatch(name):
        raise BadInput(f"a function's name is 1 to 64 letters, digits, _ and -, not {name[:80]!r}", param=param)


def read_choice(given: str | ToolChoiceParam, tools: Sequence[Tool], param: str) -> ToolChoice:
    """Raises BadInput for a function that there is not."""
    if isinstance(given, str):
        return ToolChoice(given)  # type: ignore[arg-type] # decoding has checked it
    if given.type != "function" or all(tool.name != given.name for tool in tools):
        raise BadInput(f"tool_choice names {given.name!r}, and there is no such function", param=param)
    return ToolChoice("required", given.name)


def shown_tools(tools: Sequence[Tool]) -> list[dict[str, Any]]:
    """As clients see them."""
    return [
        {"type": "function", "name": tool.name, "description": tool.description, "parameters": tool.parameters}
        for tool in tools
    ]


def shown_choice(choice: ToolChoice) -> str | dict[str, str]:
    """As clients see it."""
    return {"type": "function", "name": choice.name} if choice.name else choice.mode
