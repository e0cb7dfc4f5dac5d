# mypy: ignore-errors
"""Turns through Pipecat's pipeline with services that cost nothing: `python pipecat_turns.py SESSIONS TURNS`.

A turn is a context for the LLM service, which answers `ANSWER` word by word; the TTS service, which gathers sentences,
hums them in one piece each; and a sink at the end. No transport: nothing is paced, encoded or sent. Prints CPU seconds
of this process for a turn.
"""

import asyncio
import sys
import time

from loguru import logger
from pipecat.frames.frames import (
    LLMContextFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMTextFrame,
    TTSAudioRawFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.runner import PipelineRunner
from pipecat.pipeline.task import PipelineParams, PipelineTask
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.frame_processor import FrameProcessor
from pipecat.services.llm_service import LLMService
from pipecat.services.tts_service import TTSService

logger.remove()

ANSWER = (
    "I am a scripted voice that needs no model at all. "
    "What you hear next is how long twenty five words take to say in a calm and steady voice."
)
RATE = 24_000
WORD = bytes(RATE * 3 // 10 * 2)
TOTAL = len(ANSWER.split()) * len(WORD)


class Llm(LLMService):
    async def process_frame(self, frame, direction):
        await super().process_frame(frame, direction)
        if not isinstance(frame, LLMContextFrame):
            await self.push_frame(frame, direction)
            return
        await self.push_frame(LLMFullResponseStartFrame())
        for index, word in enumerate(ANSWER.split(" ")):
            await self.push_frame(LLMTextFrame(f" {word}" if index else word))
        await self.push_frame(LLMFullResponseEndFrame())


class Tts(TTSService):
    async def run_tts(self, text, context_id):
        yield TTSAudioRawFrame(WORD * len(text.split()), RATE, 1, context_id=context_id)


class Sink(FrameProcessor):
    def __init__(self):
        super().__init__()
        self.heard = 0
        self.done = asyncio.Event()

    async def process_frame(self, frame, direction):
        await super().process_frame(frame, direction)
        if isinstance(frame, TTSAudioRawFrame):
            self.heard += len(frame.audio)
            if self.heard >= TOTAL:
                self.done.set()
        await self.push_frame(frame, direction)


async def converse(turns, begun):
    sink = Sink()
    llm, tts = Llm(), Tts(sample_rate=RATE, push_start_frame=True, push_stop_frames=True, stop_frame_timeout_s=0.5)
    task = PipelineTask(Pipeline([llm, tts, sink]), params=PipelineParams(audio_out_sample_rate=RATE))
    running = asyncio.create_task(PipelineRunner(handle_sigint=False).run(task))
    await asyncio.sleep(1.0)
    await begun.wait()
    for _ in range(turns):
        sink.heard = 0
        sink.done.clear()
        await task.queue_frame(LLMContextFrame(LLMContext([{"role": "user", "content": "What can you do?"}])))
        await asyncio.wait_for(sink.done.wait(), 30)
        await asyncio.sleep(0.05)
    cpu = time.process_time()
    await task.cancel()
    await running
    return cpu


async def main(sessions, turns):
    begun = asyncio.Event()
    tasks = [asyncio.create_task(converse(turns, begun)) for _ in range(sessions)]
    await asyncio.sleep(3.0)
    began = time.process_time()
    begun.set()
    ended = max(await asyncio.gather(*tasks))
    print((ended - began) / sessions / turns)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
