# Wait is wait; it returns slices, and always says what it waits for.
import asyncio
import random


async def work(arg):
    value = random.random()
    await asyncio.sleep(value)
    print(f">task {arg} done with {value}")


async def main():
    tasks = [asyncio.create_task(work(i)) for i in range(10)]
    await asyncio.wait(tasks)
    print("All done")


asyncio.run(main())
