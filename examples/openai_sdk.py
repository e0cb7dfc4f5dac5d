"""The openai package against a Polytalk server: text, speech, a transcript, and a clip.

    pip install openai
    make serve                       # in another window
    python examples/openai_sdk.py

OPENAI_BASE_URL names another server, OPENAI_API_KEY a key where the server asks for one.
"""

import os
import time
from pathlib import Path

from openai import OpenAI

client = OpenAI(
    base_url=os.environ.get("OPENAI_BASE_URL", "http://127.0.0.1:8080/v1"),
    api_key=os.environ.get("OPENAI_API_KEY", "none"),
)

# Text, as it is made. An avatar's name as the model answers in character.
stream = client.chat.completions.create(
    model="mira", messages=[{"role": "user", "content": "What can you do?"}], stream=True
)
for chunk in stream:
    print(chunk.choices[0].delta.content or "", end="", flush=True)
print()

# Speech, written to disk while it is still spoken.
speech = client.audio.speech.with_streaming_response.create(
    model="tts-1", voice="alloy", input="Good morning, everybody. We sell old lamps."
)
with speech as answer:
    answer.stream_to_file("morning.mp3")

# What a recording says, and when.
with Path("morning.mp3").open("rb") as recording:
    heard = client.audio.transcriptions.create(model="whisper-1", file=recording, response_format="verbose_json")
for segment in heard.segments or []:
    print(f"{segment.start:5.1f} s  {segment.text}")

# A clip: ordered, waited for, fetched. (`size` knows more than the package's types do.)
video = client.videos.create(prompt="Good morning, everybody. We sell old lamps.", model="theo", size="512x512")  # type: ignore[arg-type]
while video.status in ("queued", "in_progress"):
    time.sleep(1)
    video = client.videos.retrieve(video.id)
    print(f"{video.progress} %")
if video.error:
    raise SystemExit(video.error.message)
client.videos.download_content(video.id).write_to_file("morning.mp4")
print(f"morning.mp4: {video.seconds} s")
