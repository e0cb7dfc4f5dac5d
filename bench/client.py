"""A caller: a Realtime session over a real socket, spoken to in real time and listened to like a person would."""

import asyncio
import base64
import time
from types import TracebackType
from typing import Any, Literal

import msgspec
from websockets.asyncio.client import ClientConnection, connect

from bench import events
from bench.microphone import Microphone, Saying
from bench.questions import Line, Utterance
from bench.record import Record, Turn
from polytalk.types import Seconds

PATIENCE: Seconds = 30.0
"""An answer that has not ended by then never will."""

FACE: Seconds = 0.5
"""A mouth that has not moved so long after its first audio is not there."""


class Caller:
    """Use as an async context manager: entering it connects and begins to send the microphone, if it has one."""

    def __init__(
        self,
        url: str,
        *,
        avatar: str = "mira",
        silence_ms: int = 300,
        compression: str | None = None,
        microphone: bool = True,
        push_to_talk: bool = False,
    ) -> None:
        self.record = Record()
        self._url = f"{url}/v1/realtime?model={avatar}"
        detection = None if push_to_talk else {"type": "server_vad", "silence_duration_ms": silence_ms}
        self._session: dict[str, Any] = {
            "type": "realtime",
            "audio": {
                "input": {
                    "transcription": {"model": "whisper-1", "language": "en"},
                    "turn_detection": detection,
                }
            },
            "avatar": {"character": avatar},
        }
        self._compression = compression  # none by default, as on a good link
        self._has_microphone = microphone
        self._configured = asyncio.Event()
        self._tasks = asyncio.TaskGroup()

    async def __aenter__(self) -> "Caller":
        self._socket: ClientConnection = await connect(self._url, compression=self._compression, max_size=None)
        self.microphone = Microphone(self._send_frame)
        await self._tasks.__aenter__()
        self._reading = self._tasks.create_task(self._read())
        await self._send({"type": "session.update", "session": self._session})
        await asyncio.wait_for(self._configured.wait(), PATIENCE)
        if self._has_microphone:
            self._speaking = self._tasks.create_task(self.microphone.run())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._reading.cancel()
        if self._has_microphone:
            self._speaking.cancel()
        await self._tasks.__aexit__(kind, error, trace)
        await self._socket.close()

    async def ask(self, question: Utterance) -> Turn:
        """Say it; returns when its last voiced sample was sent."""
        turn, saying = await self.begin(question)
        turn.speech_end = await saying.ended
        return turn

    async def begin(self, question: Utterance) -> tuple[Turn, Saying]:
        """Begin to say it; returns when its first frame was sent. The caller sets `speech_end` when it ends."""
        saying = self.microphone.say(question)
        began = await saying.began
        return self.record.ask(question, began), saying

    async def write(self, text: str, modality: Literal["audio", "text"]) -> Turn:
        """Ask in writing, and be answered by voice or in writing."""
        turn = self.record.ask(Utterance(Line(text), b""), time.monotonic())
        turn.speech_end = turn.asked
        content = [{"type": "input_text", "text": text}]
        await self._send(
            {"type": "conversation.item.create", "item": {"type": "message", "role": "user", "content": content}}
        )
        await self._send({"type": "response.create", "response": {"output_modalities": [modality]}})
        return turn

    async def send(self, question: Utterance) -> Turn:
        """Ask with a recording, sent at once; for a caller that pushes to talk."""
        turn = self.record.ask(question, time.monotonic())
        turn.speech_end = turn.asked
        await self._send({"type": "input_audio_buffer.append", "audio": base64.b64encode(question.pcm).decode()})
        await self._send({"type": "input_audio_buffer.commit"})
        await self._send({"type": "response.create"})
        return turn

    async def answered(self, turn: Turn) -> bool:
        """Wait for the answer's end; whether it came, and with audio."""
        try:
            await asyncio.wait_for(turn.finished.wait(), PATIENCE)
        except TimeoutError:
            return False
        return turn.answer is not None and turn.answer.first_audio is not None

    async def first_audio(self, turn: Turn) -> bool:
        """Wait for the answer's first audio, and for the mouth to move with it; whether there is audio."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            answer = turn.answer
            if answer is not None and answer.first_audio is not None:
                until = min(until, answer.first_audio + FACE)  # a server short of room sends no face
                if answer.first_motion is not None:
                    break
            if turn.finished.is_set():
                break
            await asyncio.sleep(0.02)
        return turn.answer is not None and turn.answer.first_audio is not None

    async def hear_out(self, turn: Turn) -> None:
        """Wait until the answer, which has arrived, was played."""
        if turn.answer is not None and turn.answer.first_audio is not None:
            await asyncio.sleep(max(0.0, turn.answer.playout.deadline() - time.monotonic()))

    async def cancel(self) -> Seconds:
        """End the answer under way; the moment that this was sent."""
        now = time.monotonic()
        await self._send({"type": "response.cancel"})
        return now

    async def _send(self, event: dict[str, Any]) -> None:
        await self._socket.send(msgspec.json.encode(event), text=True)

    async def _send_frame(self, frame: bytes) -> None:
        await self._socket.send(frame, text=True)

    async def _read(self) -> None:
        while True:
            frame = await self._socket.recv(decode=False)
            now = time.monotonic()
            event = events.decode(frame)
            if event is not None:
                self.record.take(event, now)
            if isinstance(event, events.SessionUpdated):
                self._configured.set()
