# A coroutine may go on after a cancellation. In a task of aio all later awaits fail.
import asyncio


async def f():
    while True:
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            print("Nope!")


coro = f()
coro.send(None)
coro.throw(asyncio.CancelledError)
coro.send(None)
