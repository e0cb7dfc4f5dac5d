"""What is known is found by meaning, and never given for another question."""

from collections.abc import AsyncGenerator

import numpy as np
import pytest
from msgspec.structs import replace

from polytalk.dialogue.knowledge.by_heart import Answer, Knowledge
from polytalk.dialogue.knowledge.recall import Found, Recall, choose
from polytalk.errors import EngineFailed
from polytalk.types import EmbedWork, Result, Stage, Vector
from polytalk.worker.loop import StreamWorker
from tests.support.engines import Fault, Scripted, ScriptedAsr
from tests.support.scene import PERSONA, Caller, Scene

OPEN = Answer(("When do you open?",), "At nine.")
CLOSE = Answer(("When do you close?",), "At six.")
WORDINGS = [(known.questions[0], known) for known in (OPEN, CLOSE)]
VECTORS = np.array([[1.0, 0.0], [0.0, 1.0]], np.float32)


def at(degrees: float) -> "np.ndarray[tuple[int], np.dtype[np.float32]]":
    return np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))], np.float32)


def test_an_answer_is_given_when_the_question_is_near_and_its_words_agree() -> None:
    assert choose(VECTORS, WORDINGS, at(10), "At what time do you open?") == Found("At nine.")


def test_vectors_that_are_near_do_not_make_up_for_words() -> None:
    assert choose(VECTORS, WORDINGS, at(1), "When do you close for lunch?") == Found(None, (OPEN,))


def test_words_that_agree_do_not_make_up_for_a_meaning_far_away() -> None:
    assert choose(VECTORS, WORDINGS, at(80), "At what time do you open?").answer is None


def test_what_is_not_even_near_is_not_told_to_the_llm() -> None:
    assert choose(VECTORS, WORDINGS, at(45), "What is the weather like?") == Found()


class ScriptedEmbed(Scripted[EmbedWork]):
    """Every text about closing has one place, all others another."""

    def __init__(self) -> None:
        super().__init__("embed", slots=4)

    def probe(self) -> EmbedWork:
        return EmbedWork("Hi")

    async def script(self, work: EmbedWork) -> AsyncGenerator[Result, None]:
        yield Vector(at(90 if "close" in work.text else 0).astype("<f4").tobytes())


@pytest.mark.looptime
async def test_in_a_conversation_the_answer_is_given_or_the_llm_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    knowing = replace(PERSONA, answers=(OPEN, CLOSE))
    monkeypatch.setattr(Caller, "personas", staticmethod(lambda avatar: lambda language: knowing))
    asr = ScriptedAsr(
        "At what time do you open?", "Do you open on Monday?", "What time do you close?", "What time do you open?"
    )
    embed = ScriptedEmbed()
    async with Scene(asr=asr) as scene:
        worker = StreamWorker(Stage.EMBED, embed, scene.broker, scene.clock)
        scene._tasks.append(scene._group.create_task(worker.run()))
        recall = Recall(scene.kit.studio, "embed")
        scene.kit = replace(scene.kit, recall=recall)
        async with scene.call() as caller:
            await recall.learn(caller.session._answering._scope(), knowing.knowledge, (OPEN,))
            await caller.asks()
            assert (await caller.answered()).text == "At nine."
            assert scene.llm.works == []
            await caller.asks()
            await caller.answered(2)
            assert scene.llm.works[0].messages[-1].content == "- When do you open? At nine.\n\nDo you open on Monday?"
            await caller.asks()
            assert (await caller.answered(3)).text == "At six.", "it is not in the index, and found by its words"
            embed.faults = [Fault(EngineFailed("no vectors"))]
            await caller.asks()
            assert (await caller.answered(4)).text == "At nine.", "the words alone find it"


def test_without_vectors_the_words_decide() -> None:
    knowledge = Knowledge([OPEN, CLOSE])
    assert knowledge.reworded("What time do you close?") == "At six."
    assert knowledge.reworded("When do you sleep?") is None
