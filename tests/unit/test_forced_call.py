"""Which function a small model calls where it must, and how it is asked for the arguments."""

import json
from typing import Any

import pytest

from polytalk.engines.llm.forced_call import forced
from polytalk.errors import BadInput
from polytalk.types import Message

PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = {"name": "weather", "description": "What the weather is like, rain or sun.", "parameters": PARAMETERS}
ALARM = {"name": "set_alarm", "description": "Wakes the user up."}


def extra(choice: Any = "required", *functions: dict[str, Any]) -> str:
    tools = [{"type": "function", "function": one} for one in functions or (WEATHER, ALARM)]
    return json.dumps({"tools": tools, "tool_choice": choice})


def asks(text: str) -> tuple[Message, ...]:
    return (Message("system", "Rain and sun."), Message("user", text))


@pytest.mark.parametrize("choice", ["auto", "none"])
def test_words_will_do_where_a_call_may_be_made(choice: str) -> None:
    assert forced(extra(choice), asks("Is it raining?")) is None
    assert forced("", asks("Is it raining?")) is None
    assert forced('{"tools": [], "tool_choice": "required"}', asks("Is it raining?")) is None


@pytest.mark.parametrize(
    ("question", "name"),
    [("Is it raining in Rome?", "weather"), ("Wake me up at 7!", "set_alarm"), ("Well?", "weather")],
)
def test_the_function_is_the_one_that_the_question_is_about(question: str, name: str) -> None:
    call = forced(extra(), asks(question))
    assert call is not None
    assert call.name == name


def test_a_function_that_is_named_is_called_whatever_the_question() -> None:
    call = forced(extra({"type": "function", "function": {"name": "set_alarm"}}), asks("Is it raining?"))
    assert call is not None
    assert call.name == "set_alarm"
    with pytest.raises(BadInput, match="no function 'ghost'"):
        forced(extra({"type": "function", "function": {"name": "ghost"}}), asks("Is it raining?"))


def test_the_model_is_held_to_the_schema_and_told_the_question() -> None:
    call = forced(extra(), asks("Is it raining in Rome?"))
    assert call is not None
    assert call.schema == {"additionalProperties": False, **PARAMETERS}
    assert "Is it raining in Rome?" in call.asked.content


def test_tools_that_cannot_be_read_are_the_callers_error() -> None:
    with pytest.raises(BadInput, match="can't be read"):
        forced('{"tools": 3}', asks("Is it raining?"))
