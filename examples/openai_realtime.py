"""A spoken conversation with the `openai` package.

python openai_realtime.py reply.wav question.wav [interruption.wav ...]
"""

import asyncio
import base64
import sys

from openai import AsyncOpenAI
from openai.resources.realtime.realtime import AsyncRealtimeConnection
from phone import Phone


async def listen(call: AsyncRealtimeConnection, phone: Phone) -> None:
    """React to what the server says."""
    item = None
    async for event in call:
        if event.type == "response.output_audio.delta":
            if event.item_id != item:
                item = event.item_id
                phone.begin()
            phone.play(base64.b64decode(event.delta))
        elif event.type == "input_audio_buffer.speech_started" and phone.plays and item:
            await call.conversation.item.truncate(item_id=item, content_index=0, audio_end_ms=phone.drop())
        elif event.type == "conversation.item.truncated":
            print(f"interrupted after {event.audio_end_ms} ms")
        elif event.type == "conversation.item.input_audio_transcription.completed":
            print("you:", event.transcript)
        elif event.type == "response.done":
            said = [part.transcript for item in event.response.output or [] for part in item.content or []]
            print(f"avatar ({event.response.status}):", *said)
        elif event.type == "error":
            raise RuntimeError(event.error.message)


async def main(out: str, *recordings: str) -> None:
    """Hold the conversation."""
    phone = Phone(list(recordings), out)
    client = AsyncOpenAI()  # OPENAI_BASE_URL=http://127.0.0.1:8080/v1
    async with client.realtime.connect(model="mira") as call, asyncio.TaskGroup() as tasks:
        await call.session.update(
            session={"type": "realtime", "audio": {"input": {"turn_detection": {"type": "server_vad"}}}}
        )
        listening = tasks.create_task(listen(call, phone))
        async for frame in phone.microphone():
            await call.input_audio_buffer.append(audio=base64.b64encode(frame).decode())
        listening.cancel()


asyncio.run(main(*sys.argv[1:]))
