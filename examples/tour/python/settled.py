# With return_exceptions errors are among the results; GatherSettled keeps the two apart.
import asyncio
import time


async def say(name, delay, what):
    await asyncio.sleep(delay)
    print("function", name, what)
    return what


async def main():
    print("started at", time.strftime("%X"))
    async def fail():
        await asyncio.sleep(2)
        raise ValueError

    everything = await asyncio.gather(
        say("f", 2, "prva"), say("g", 2, "druga"), fail(), return_exceptions=True)
    print("finished at", time.strftime("%X"))
    print(everything)


asyncio.run(main())
