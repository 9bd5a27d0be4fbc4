# asyncio holds tasks weakly, so keep references to them; a loop of aio holds its tasks.
import asyncio


async def work(number):
    print("task", number)


async def main():
    kept = {asyncio.create_task(work(i)) for i in range(3)}
    await asyncio.sleep(1)
    kept.clear()


asyncio.run(main())
