# RunUntilComplete is run_until_complete.
import asyncio


async def f():
    await asyncio.sleep(0)
    return 111


loop = asyncio.new_event_loop()
print(loop.run_until_complete(f()))
loop.close()
