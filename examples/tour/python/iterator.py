# __anext__ is the function for aiter.FromFunc; "async for" is a range over the sequence.
import asyncio


class Counter:
    def __init__(self):
        self.value = 0

    def __aiter__(self):
        return self

    async def __anext__(self):
        if self.value >= 10:
            raise StopAsyncIteration
        await asyncio.sleep(1)
        self.value += 1
        return self.value


async def main():
    async for item in Counter():
        print(item)


asyncio.run(main())
