"""What your server gives a browser instead of its key, and what can be done with it: python openai_client_secret.py"""

import asyncio

from openai import AsyncOpenAI


async def main() -> None:
    """Make a secret with the key, and hold a conversation with the secret."""
    server = AsyncOpenAI()
    secret = await server.realtime.client_secrets.create(
        expires_after={"anchor": "created_at", "seconds": 60},
        session={"type": "realtime", "model": "mira", "output_modalities": ["text"]},
        extra_headers={"OpenAI-Safety-Identifier": "user-123"},
    )
    print("secret:", secret.value[:6], "until", secret.expires_at)
    browser = AsyncOpenAI(api_key=secret.value)
    async with browser.realtime.connect(model="mira") as call:
        await call.conversation.item.create(
            item={
                "type": "message",
                "role": "user",
                "content": [{"type": "input_text", "text": "What is the capital of France?"}],
            }
        )
        await call.response.create()
        async for event in call:
            if event.type == "response.output_text.done":
                print("avatar:", event.text)
            elif event.type == "response.done":
                break


asyncio.run(main())
