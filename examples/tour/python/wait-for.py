# WaitFor is wait_for; the error matches context.DeadlineExceeded.
import asyncio
import random


async def work():
    value = 1 + random.random()
    print(f">task got {value}")
    await asyncio.sleep(value)
    print(">task done")


async def main():
    try:
        await asyncio.wait_for(work(), timeout=0.2)
    except TimeoutError:
        print("Gave up waiting, task canceled")


asyncio.run(main())
