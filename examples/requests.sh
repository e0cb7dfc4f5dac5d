#!/bin/sh
# The same by curl. The server's address and key may be given: POLYTALK_URL=… POLYTALK_KEY=… sh examples/requests.sh
set -eu
url=${POLYTALK_URL:-http://127.0.0.1:8080}
key="authorization: Bearer ${POLYTALK_KEY:-none}"
json="content-type: application/json"

echo "What there is:"
curl -fsS "$url/v1/models" -H "$key" && echo

echo "An answer, as it is made:"
curl -fsSN "$url/v1/chat/completions" -H "$key" -H "$json" \
  -d '{"model": "mira", "messages": [{"role": "user", "content": "What can you do?"}], "stream": true}'

echo "Speech, and what it says:"
curl -fsS "$url/v1/audio/speech" -H "$key" -H "$json" -o morning.mp3 \
  -d '{"model": "tts-1", "voice": "alloy", "input": "Good morning, everybody. We sell old lamps."}'
curl -fsS "$url/v1/audio/transcriptions" -H "$key" -F model=whisper-1 -F file=@morning.mp3 -F response_format=srt

echo "A clip of the recording:"
id=$(curl -fsS "$url/v1/videos" -H "$key" -F model=theo -F size=512x512 -F audio=@morning.mp3 |
  sed 's/.*"id":"\([^"]*\)".*/\1/')
until curl -fsS "$url/v1/videos/$id" -H "$key" | grep -qE '"status":"(completed|failed)"'; do sleep 1; done
curl -fsS "$url/v1/videos/$id/content" -H "$key" -o morning.mp4
curl -fsS -X DELETE "$url/v1/videos/$id" -H "$key" && echo
