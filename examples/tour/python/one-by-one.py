# Two awaits in turn take the sum of both times.
import asyncio
import time


async def say(name, delay, what):
    await asyncio.sleep(delay)
    print("function", name, what)
    return what


async def main():
    print("started at", time.strftime("%X"))
    f = await say("f", 2, "prva")
    g = await say("g", 2, "druga")
    print("finished at", time.strftime("%X"))
    print(f, g)


asyncio.run(main())
