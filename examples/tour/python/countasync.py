# All is gather here; it also cancels the others when one fails.
import asyncio
import time


async def count():
    print("One")
    await asyncio.sleep(1)
    print("Two")


async def main():
    await asyncio.gather(count(), count(), count())


began = time.perf_counter()
asyncio.run(main())
print(f"countasync executed in {time.perf_counter() - began:.2f} seconds.")
