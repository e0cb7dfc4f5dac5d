"""A spoken conversation with `openai-agents`: python agents_voice.py reply.wav question.wav [interruption.wav ...]"""

import asyncio
import os
import sys

from agents.realtime import RealtimeAgent, RealtimeItem, RealtimeRunner, RealtimeSession
from phone import Phone

URL = os.environ["OPENAI_BASE_URL"].replace("http", "ws", 1)  # OPENAI_BASE_URL=http://127.0.0.1:8080/v1


async def listen(session: RealtimeSession, phone: Phone) -> None:
    """React to what the session tells."""
    item, history = None, list[RealtimeItem]()
    async for event in session:
        if event.type == "audio":
            if event.item_id != item:
                item = event.item_id
                phone.begin()
            phone.play(event.audio.data)
        elif event.type == "audio_interrupted" and phone.plays:
            print(f"interrupted after {phone.drop()} ms")
        elif event.type == "history_updated":
            history = event.history
        elif event.type == "raw_model_event" and event.data.type == "input_audio_transcription_completed":
            print("you:", event.data.transcript)
        elif event.type == "error":
            raise RuntimeError(str(event.error))
        if event.type == "agent_end":
            answers = [item for item in history if item.type == "message" and item.role == "assistant"]
            print("avatar:", *[part.transcript for part in answers[-1].content] if answers else [])


async def main(out: str, *recordings: str) -> None:
    """Hold the conversation."""
    phone = Phone(list(recordings), out)
    runner = RealtimeRunner(RealtimeAgent(name="Mira"))
    config = {"url": f"{URL}/realtime?model=mira"}
    async with await runner.run(model_config=config) as session, asyncio.TaskGroup() as tasks:
        listening = tasks.create_task(listen(session, phone))
        async for frame in phone.microphone():
            await session.send_audio(frame)
        listening.cancel()


asyncio.run(main(*sys.argv[1:]))
