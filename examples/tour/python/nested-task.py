# CreateTask is create_task.
import asyncio


async def answer():
    return 42


async def main():
    task = asyncio.create_task(answer())
    print(await task)


asyncio.run(main())
