# A coroutine object does not run before it is awaited.
import asyncio
import time


async def say(name, delay, what):
    await asyncio.sleep(delay)
    print("function", name, what)
    return what


async def main():
    print("started at", time.strftime("%X"))
    f, g = say("f", 2, "prva"), say("g", 2, "druga")
    result_f = await f
    result_g = await g
    print("finished at", time.strftime("%X"))
    print(result_f, result_g)


asyncio.run(main())
