# Calling routine() only makes a coroutine object; asyncio.run runs it.
import asyncio


async def routine():
    print("Hello ...")
    await asyncio.sleep(1)
    print("World!")


asyncio.run(routine())
