"""A spoken conversation with `livekit-plugins-openai`.

python livekit_session.py reply.wav question.wav [interruption.wav ...]

In a room, `session.start(agent, room=ctx.room)` takes the place of the phone.
"""

import asyncio
import sys

import aiohttp
from livekit import rtc
from livekit.agents import Agent, AgentSession, ConversationItemAddedEvent, UserInputTranscribedEvent
from livekit.agents.voice.io import AudioInput, AudioOutput, AudioOutputCapabilities
from livekit.plugins import openai
from phone import FRAME, RATE, Phone


class Microphone(AudioInput):
    """What the phone's user says."""

    def __init__(self, phone: Phone) -> None:
        super().__init__(label="phone")
        self._frames = phone.microphone()
        self.ended = asyncio.Event()

    async def __anext__(self) -> rtc.AudioFrame:
        try:
            return rtc.AudioFrame(await anext(self._frames), RATE, 1, len(FRAME) // 2)
        except (StopAsyncIteration, TimeoutError):
            self.ended.set()
            raise


class Loudspeaker(AudioOutput):
    """What the phone's user hears."""

    def __init__(self, phone: Phone) -> None:
        super().__init__(label="phone", capabilities=AudioOutputCapabilities(pause=False), sample_rate=RATE)
        self._phone = phone
        self._playing: asyncio.Task[None] | None = None
        self._begun = self._interrupted = False

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        """Take the next piece."""
        await super().capture_frame(frame)
        if not self._begun:
            self._begun, self._interrupted = True, False
            self._phone.begin()
        self._phone.play(bytes(frame.data))

    def flush(self) -> None:
        """All of an answer is there."""
        super().flush()
        if self._begun:
            self._begun = False
            self._playing = asyncio.create_task(self._play_out())

    def clear_buffer(self) -> None:
        """Be silent."""
        self._interrupted = True
        self._phone.drop()

    async def _play_out(self) -> None:
        while self._phone.plays:
            await asyncio.sleep(0.02)
        self.on_playback_finished(playback_position=self._phone.heard_ms / 1000, interrupted=self._interrupted)


async def main(out: str, *recordings: str) -> None:
    """Hold the conversation."""
    phone = Phone(list(recordings), out)
    async with aiohttp.ClientSession() as http:
        model = openai.realtime.RealtimeModel(
            model="mira", http_session=http
        )  # OPENAI_BASE_URL=http://127.0.0.1:8080/v1
        session = AgentSession(llm=model, vad=None, turn_handling={"turn_detection": "realtime_llm"})

        @session.on("user_input_transcribed")
        def heard(event: UserInputTranscribedEvent) -> None:
            if event.is_final:
                print("you:", event.transcript)

        @session.on("conversation_item_added")
        def added(event: ConversationItemAddedEvent) -> None:
            if event.item.type == "message" and event.item.role == "assistant":
                print("avatar" + (" (interrupted):" if event.item.interrupted else ":"), event.item.text_content)

        @session.on("error")
        def failed(event: object) -> None:
            print("error:", event)

        microphone = Microphone(phone)
        session.input.audio, session.output.audio = microphone, Loudspeaker(phone)
        await session.start(Agent(instructions=""))  # none, so the avatar keeps its persona
        await microphone.ended.wait()
        await session.aclose()


asyncio.run(main(*sys.argv[1:]))
