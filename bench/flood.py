"""Requests over some connections, as fast as they are answered: `python -m bench.flood PORT KEY SECONDS CONNECTIONS`.

Prints how many answers had which status.
"""

import asyncio
import json
import sys
import time
from collections import Counter

from polytalk.types import Seconds


async def flood(port: int, key: str, seconds: Seconds, connections: int) -> Counter[int]:
    """Statuses, and how many answers had each."""
    until, found = time.monotonic() + seconds, Counter[int]()
    host = f"localhost:{port}"
    request = f"GET /v1/models HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {key}\r\n\r\n".encode()

    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while time.monotonic() < until:
            writer.write(request)
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            found[int(head.split(None, 2)[1])] += 1
            await reader.readexactly(int(head.partition(b"content-length:")[2].split(b"\r\n")[0]))
        writer.close()

    await asyncio.gather(*(one() for _ in range(connections)))
    return found


if __name__ == "__main__":
    print(json.dumps(asyncio.run(flood(int(sys.argv[1]), sys.argv[2], float(sys.argv[3]), int(sys.argv[4])))))
