# answer() is an object until it is awaited; in Go a call is the await.
import asyncio


async def answer():
    return 42


async def main():
    coro = answer()
    print(coro)
    print(await coro)


asyncio.run(main())
