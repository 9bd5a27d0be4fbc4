# CurrentTask is current_task.
import asyncio


async def main():
    print("main coroutine started")
    print(asyncio.current_task())


asyncio.run(main())
