# AllTasks is all_tasks: a slice in the order of creation, where asyncio has a set.
import asyncio


async def work(number):
    print(f"task {number} is running")
    await asyncio.sleep(1)


async def main():
    print("main coroutine started")
    started = [asyncio.create_task(work(i)) for i in range(10)]
    await asyncio.sleep(0.1)
    for task in asyncio.all_tasks():
        print(f"> {task.get_name()}, {task.get_coro()}")
    for task in started:
        await task


asyncio.run(main())
