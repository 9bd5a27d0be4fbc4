# Blocking is to_thread for functions without a result.
import asyncio
import time


def blocking_io():
    print("start blocking_io at", time.strftime("%X"))
    time.sleep(1)
    print("blocking_io complete at", time.strftime("%X"))


async def main():
    print("started main at", time.strftime("%X"))
    await asyncio.gather(asyncio.to_thread(blocking_io), asyncio.sleep(1))
    print("finished main at", time.strftime("%X"))


asyncio.run(main())
