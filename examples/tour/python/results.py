# gather returns the results in the order of its arguments; so does All.
import asyncio
import time


async def say(name, delay, what):
    await asyncio.sleep(delay)
    print("function", name, what)
    return what


async def main():
    print("started at", time.strftime("%X"))
    both = await asyncio.gather(say("f", 2, "prva"), say("g", 2, "druga"))
    print("finished at", time.strftime("%X"))
    print(both)


asyncio.run(main())
