# A time-out around a gather cancels all that it waits for.
import asyncio
import time


async def say(name, delay, what):
    await asyncio.sleep(delay)
    print("function", name, what)
    return what


async def main():
    print("started at", time.strftime("%X"))
    both = asyncio.gather(say("f", 2, "prva"), say("g", 2, "druga"))
    try:
        print(await asyncio.wait_for(both, timeout=1.5))
    except TimeoutError:
        print("oops took longer than 1.5s!")
    print("finished at", time.strftime("%X"))


asyncio.run(main())
