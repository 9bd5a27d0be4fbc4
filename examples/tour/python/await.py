# await is a call.
import asyncio


async def f():
    await asyncio.sleep(1)
    return 123


async def main():
    print(await f())


asyncio.run(main())
