# An asynchronous dict comprehension is aiter.CollectMap.
import asyncio
import socket
from typing import NamedTuple

NAMES = ["python.org", "rust-lang.org", "golang.org", "no-lang.invalid"]


class Result(NamedTuple):
    domain: str
    found: bool


async def probe(domain):
    loop = asyncio.get_running_loop()
    try:
        await loop.getaddrinfo(domain, None)
    except socket.gaierror:
        return Result(domain, False)
    return Result(domain, True)


async def multi_probe(domains):
    for coro in asyncio.as_completed([probe(d) for d in domains]):
        yield await coro


async def main():
    print({r.domain: r.found async for r in multi_probe(NAMES)})


asyncio.run(main())
