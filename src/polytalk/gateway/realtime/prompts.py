"""Prompts that are kept at the server: `prompt: {id, variables}` in place of instructions."""

import re
from collections.abc import Mapping

from polytalk.errors import BadInput
from polytalk.gateway.realtime.session_patch import Prompt

_VARIABLE = re.compile(r"\{\{\s*(\w+)\s*\}\}")


def prompted(prompt: Prompt, kept: Mapping[str, str], param: str) -> str:
    """The instructions. Raises BadInput for a prompt that there is not, and for a variable without a value."""
    text = kept.get(prompt.id)
    if text is None:
        raise BadInput(
            f"there is no prompt {prompt.id!r}; those of the settings are {', '.join(kept) or 'none'}",
            code="prompt_not_found",
            param=f"{param}.id",
        )
    values = prompt.variables or {}

    def value(match: "re.Match[str]") -> str:
        if not isinstance(given := values.get(match[1]), str):
            raise BadInput(f"the prompt needs a text for {match[1]!r}", param=f"{param}.variables.{match[1]}")
        return given

    return _VARIABLE.sub(value, text)
