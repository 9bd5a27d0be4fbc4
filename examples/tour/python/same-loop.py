# RunningLoop is get_running_loop; it finds the loop in the context, not in a global.
import asyncio


async def which():
    return asyncio.get_running_loop()


async def main():
    loop = asyncio.get_running_loop()
    print(loop is await asyncio.create_task(which()))


asyncio.run(main())
