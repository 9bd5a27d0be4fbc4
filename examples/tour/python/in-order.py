# gather, and awaits in a comprehension: aio.All, and aiter.Collect of aiter.Map.
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
    names = sorted(NAMES)
    print(await asyncio.gather(*[probe(n) for n in names]))
    print([await probe(n) for n in names])


asyncio.run(main())
