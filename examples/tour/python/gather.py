# Coroutines in a list, run together: a slice of functions for All, or a Map over the items.
import asyncio


async def work(value):
    print(f">task {value} executing")
    await asyncio.sleep(1)


async def main():
    print("main starting")
    coros = [work(i) for i in range(10)]
    await asyncio.gather(*coros)
    print("main done")


asyncio.run(main())
