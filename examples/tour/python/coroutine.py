# A coroutine that is never awaited is a mistake there, and reported. Here there is none to forget.
import asyncio


async def custom_coro():
    await asyncio.sleep(1)


coro = custom_coro()
print(type(coro))
