# A set comprehension with an await in its condition is aiter.CollectSet of aiter.Filter.
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


async def main():
    print({n for n in NAMES if (await probe(n)).found})


asyncio.run(main())
