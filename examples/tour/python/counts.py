# Two kinds of functions that cannot share their body: that is the colour of functions.
import asyncio
import time


def count_sync():
    print("One")
    time.sleep(1)
    print("Two")


async def count_async():
    print("One")
    await asyncio.sleep(1)
    print("Two")


async def all_async():
    await asyncio.gather(count_async(), count_async(), count_async())


began = time.perf_counter()
for _ in range(3):
    count_sync()
print(f"countsync executed in {time.perf_counter() - began:.2f} seconds.")
began = time.perf_counter()
asyncio.run(all_async())
print(f"countasync executed in {time.perf_counter() - began:.2f} seconds.")
