# shield returns a future that can be cancelled; Shield waits, so what is cancelled is a task.
import asyncio


async def simple(number):
    await asyncio.sleep(1)
    return number


async def cancel(future):
    await asyncio.sleep(0.2)
    print("cancelled:", future.cancel())


async def main():
    task = asyncio.create_task(simple(1))
    shielded = asyncio.shield(task)
    canceller = asyncio.create_task(cancel(shielded))
    try:
        print(">got:", await shielded)
    except asyncio.CancelledError:
        print("shielded was cancelled")
    await asyncio.sleep(1)
    print("shielded:", shielded)
    print("task:", task)
    await canceller


asyncio.run(main())
