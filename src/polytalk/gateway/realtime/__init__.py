"""The OpenAI Realtime API (GA events) over a WebSocket, with the opt-in avatar extension."""
