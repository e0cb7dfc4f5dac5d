"""Who an avatar is."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from polytalk.dialogue.persona import Exchange, Persona, load_personas, merged
from polytalk.types import Message

MIRA = Persona("You are Mira.", "I only speak English.", examples=(Exchange("Who are you?", "I am Mira."),))

histories = st.lists(
    st.builds(Message, st.sampled_from(["user", "assistant"]), st.text("abc", min_size=1, max_size=3)), max_size=8
)


def test_an_avatar_knows_itself_from_exchanges_that_already_happened() -> None:
    assert MIRA.messages([Message("user", "Hi")]) == (
        Message("system", "You are Mira."),
        Message("user", "Who are you?"),
        Message("assistant", "I am Mira."),
        Message("user", "Hi"),
    )


def test_a_clients_instructions_replace_the_persona() -> None:
    assert MIRA.messages([Message("user", "Hi")], "You are a pirate.") == (
        Message("system", "You are a pirate."),
        Message("user", "Hi"),
    )


def test_neighbours_of_one_role_become_one_message() -> None:
    said = [Message("user", "I want tea."), Message("user", "And milk."), Message("assistant", "Yes.")]
    assert merged(said) == [Message("user", "I want tea. And milk."), Message("assistant", "Yes.")]


@given(histories)
def test_roles_alternate_after_the_system_message(history: list[Message]) -> None:
    messages = MIRA.messages(history)
    roles = [message.role for message in messages]
    assert roles[0] == "system"
    assert all(one != other for one, other in pairwise(roles))
    assert " ".join(message.content for message in messages[1:]).split()[6:] == [
        word for message in history for word in message.content.split()
    ]


def test_every_shipped_persona_speaks_as_the_avatar() -> None:
    personas = load_personas("Nora")
    assert {"en", "zh"} <= set(personas)
    for persona in personas.values():
        assert "Nora" in (persona.knowledge.find("Who are you?") or persona.knowledge.find("你是谁？") or "")
        assert persona.wrong_language
        assert persona.greeting
        assert persona.examples
        assert "{name}" not in str(persona)
