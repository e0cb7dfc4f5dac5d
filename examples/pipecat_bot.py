"""A spoken conversation with `pipecat-ai`: python pipecat_bot.py reply.wav question.wav [interruption.wav ...]

Any transport of pipecat may take the place of the phone.
"""

import asyncio
import os
import sys

from phone import RATE, Phone
from pipecat.frames.frames import (
    Frame,
    InputAudioRawFrame,
    InterruptionFrame,
    OutputAudioRawFrame,
    StartFrame,
    TTSStartedFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair
from pipecat.processors.frame_processor import FrameDirection
from pipecat.services.openai.realtime.llm import OpenAIRealtimeLLMService
from pipecat.transports.base_input import BaseInputTransport
from pipecat.transports.base_output import BaseOutputTransport
from pipecat.transports.base_transport import TransportParams
from pipecat.workers.runner import WorkerRunner

URL = os.environ["OPENAI_BASE_URL"].replace("http", "ws", 1)  # OPENAI_BASE_URL=http://127.0.0.1:8080/v1


class Microphone(BaseInputTransport):
    """What the phone's user says."""

    def __init__(self, phone: Phone) -> None:
        super().__init__(TransportParams(audio_in_enabled=True, audio_in_sample_rate=RATE))
        self._phone = phone
        self.ended = asyncio.Event()

    async def start(self, frame: StartFrame) -> None:
        """Begin to talk."""
        await super().start(frame)
        await self.set_transport_ready(frame)
        self._talking = self.create_task(self._talk())

    async def _talk(self) -> None:
        try:
            async for pcm in self._phone.microphone():
                await self.push_audio_frame(InputAudioRawFrame(pcm, RATE, 1))
        finally:
            self.ended.set()


class Loudspeaker(BaseOutputTransport):
    """What the phone's user hears."""

    def __init__(self, phone: Phone) -> None:
        super().__init__(TransportParams(audio_out_enabled=True, audio_out_sample_rate=RATE))
        self._phone = phone

    async def start(self, frame: StartFrame) -> None:
        """Be there."""
        await super().start(frame)
        await self.set_transport_ready(frame)

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Look out for where answers begin and end."""
        await super().process_frame(frame, direction)
        if isinstance(frame, TTSStartedFrame):
            self._phone.begin()
        elif isinstance(frame, InterruptionFrame) and self._phone.plays:
            print(f"interrupted after {self._phone.drop()} ms")

    async def write_audio_frame(self, frame: OutputAudioRawFrame) -> bool:
        """Hand a piece over, and come back for the next when it is heard."""
        self._phone.play(frame.audio)
        await asyncio.sleep(frame.num_frames / frame.sample_rate)
        return True


async def main(out: str, *recordings: str) -> None:
    """Hold the conversation."""
    phone = Phone(list(recordings), out)
    llm = OpenAIRealtimeLLMService(
        api_key=os.environ["OPENAI_API_KEY"],
        base_url=f"{URL}/realtime",
        settings=OpenAIRealtimeLLMService.Settings(model="mira"),
    )
    microphone, memory = Microphone(phone), LLMContextAggregatorPair(LLMContext())
    bot = Pipeline([microphone, memory.user(), llm, Loudspeaker(phone), memory.assistant()])
    worker = PipelineWorker(bot, params=PipelineParams(audio_in_sample_rate=RATE, audio_out_sample_rate=RATE))

    @memory.user().event_handler("on_user_turn_message_added")
    async def heard(_: object, message: object) -> None:
        print("you:", message.content)

    @memory.assistant().event_handler("on_assistant_turn_stopped")
    async def said(_: object, message: object) -> None:
        print("avatar" + (" (interrupted):" if message.interrupted else ":"), message.content)

    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    running = asyncio.create_task(runner.run())
    ended = asyncio.create_task(microphone.ended.wait())
    await asyncio.wait([running, ended], return_when=asyncio.FIRST_COMPLETED)
    await worker.cancel()
    await running


asyncio.run(main(*sys.argv[1:]))
