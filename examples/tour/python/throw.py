# Throw is throw: the coroutine finds the error at its await.
import asyncio


async def f():
    try:
        while True:
            await asyncio.sleep(0)
    except asyncio.CancelledError:
        print("I was cancelled!")


coro = f()
coro.send(None)
coro.send(None)
try:
    coro.throw(asyncio.CancelledError)
except StopIteration:
    print("StopIteration")
