"""Text, speech and recordings with the `openai` package: python openai_chat.py "What is the capital of France?" """

import sys
from pathlib import Path

from openai import OpenAI

client = (
    OpenAI()
)  # OPENAI_BASE_URL=http://127.0.0.1:8080/v1, OPENAI_API_KEY: a key of the server; anything while it has none
question = sys.argv[1]
recording = Path("question.mp3")

print("models:", *sorted(model.id for model in client.models.list()))

whole = client.chat.completions.create(model="mira", messages=[{"role": "user", "content": question}])
print("whole:", whole.choices[0].message.content, "| finished:", whole.choices[0].finish_reason)

print("streamed: ", end="")
for chunk in client.chat.completions.create(
    model="mira",
    messages=[{"role": "user", "content": question}],
    stream=True,
    stream_options={"include_usage": True},
):
    if chunk.choices:
        print(chunk.choices[0].delta.content or "", end="", flush=True)
    if chunk.usage:
        print(" | tokens:", chunk.usage.completion_tokens)

with client.audio.speech.with_streaming_response.create(model="tts-1", voice="alloy", input=question) as speech:
    speech.stream_to_file(recording)

print("heard:", client.audio.transcriptions.create(model="whisper-1", file=recording).text)
