"""Many agents' connections in one process: each holds a poll, asks again when answered, and retries as agentlets do.

Prints a JSON line when an agent is offered a job, and one with the number of held polls whenever it has changed.
Begins at once, or retries until a server is there; "begin" on its standard input rouses all that are pausing.
"""

from __future__ import annotations

import asyncio
import json
import random
import ssl
import sys
import time
from pathlib import Path

import uvloop

from agentlet.pull import backoff

CONNECTING_AT_ONCE = 200
REQUEST = b"GET /agent/v1/poll?wait=45 HTTP/1.1\r\nHost: orch\r\nOrch-Protocol: 1\r\n\r\n"
HELD_AFTER_S = 0.5


class Agents:
    def __init__(self, folder: Path, port: int) -> None:
        self._folder, self._port = folder, port
        self._held = 0
        self._begin = asyncio.Event()
        self._connecting = asyncio.Semaphore(CONNECTING_AT_ONCE)

    async def run(self) -> None:
        ids = (self._folder / "ids").read_text().split()
        asyncio.get_running_loop().add_reader(sys.stdin, self._let_go)
        tasks = [asyncio.create_task(self._agent(number, agent)) for number, agent in enumerate(ids)]
        tasks.append(asyncio.create_task(self._report()))
        await asyncio.gather(*tasks)

    def _let_go(self) -> None:
        asyncio.get_running_loop().remove_reader(sys.stdin)
        self._begin.set()

    async def _agent(self, number: int, agent: str) -> None:
        context = self._context(agent)
        errors = 0
        while True:
            try:
                async with self._connecting:
                    address = f"127.{1 + number // 60_000}.{number // 250 % 240}.{1 + number % 250}"
                    reader, writer = await asyncio.open_connection(
                        "127.0.0.1", self._port, ssl=context, local_addr=(address, 0), server_hostname="127.0.0.1",
                        ssl_handshake_timeout=60)
                try:
                    while True:
                        await self._poll(agent, reader, writer)
                        errors = 0
                finally:
                    writer.transport.abort()
            except (OSError, ssl.SSLError, asyncio.IncompleteReadError, ConnectionError, Refused):
                errors += 1
                await self._pause(backoff.after_errors(errors, random.random))

    async def _pause(self, seconds: float) -> None:
        """As long as an agentlet would; only at the very beginning all are let go together, over a second."""
        if not self._begin.is_set():
            try:
                await asyncio.wait_for(self._begin.wait(), seconds)
                await asyncio.sleep(random.random())
            except TimeoutError:
                pass
            return
        await asyncio.sleep(seconds)

    async def _poll(self, agent: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(REQUEST)
        counted = False

        def count() -> None:
            nonlocal counted
            counted = True
            self._held += 1

        timer = asyncio.get_running_loop().call_later(HELD_AFTER_S, count)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            came = time.time()
        finally:
            timer.cancel()
            self._held -= counted
        length = next(int(line.split(b":")[1]) for line in head.lower().split(b"\r\n")
                      if line.startswith(b"content-length"))
        body = json.loads(await reader.readexactly(length))
        if head.split(b" ", 2)[1] != b"200":
            raise Refused(head)
        if body["offers"]:
            say({"woken": agent, "at": came})
            await asyncio.sleep(5)

    def _context(self, agent: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_verify_locations(self._folder / "authorities.pem")
        context.load_cert_chain(self._folder / agent, self._folder / "agents.key")
        return context

    async def _report(self) -> None:
        said = -1
        while True:
            await asyncio.sleep(0.1)
            if self._held != said:
                said = self._held
                say({"held": said})


class Refused(Exception):
    """Another answer than 200."""


def say(values: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(values) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(Agents(Path(sys.argv[1]), int(sys.argv[2])).run())
