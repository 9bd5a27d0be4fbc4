# Start is create_task. A task runs on its own; awaiting it only waits.
import asyncio
import time


async def say_after(delay, what):
    await asyncio.sleep(delay)
    print(what)


async def main():
    print("started at", time.strftime("%X"))
    first = asyncio.create_task(say_after(1, "hello"))
    second = asyncio.create_task(say_after(2, "world"))
    await first
    await second
    print("finished at", time.strftime("%X"))


asyncio.run(main())
