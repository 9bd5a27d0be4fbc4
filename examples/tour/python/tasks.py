# Tasks run while their maker sleeps.
import asyncio
import time


async def say(name, delay, what):
    await asyncio.sleep(delay)
    print("function", name, what)
    return what


async def main():
    print("started at", time.strftime("%X"))
    f = asyncio.create_task(say("f", 2, "prva"))
    g = asyncio.create_task(say("g", 2, "druga"))
    await asyncio.sleep(1)
    result_f, result_g = await f, await g
    print("finished at", time.strftime("%X"))
    print(result_f, result_g)


asyncio.run(main())
