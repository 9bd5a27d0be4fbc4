# __aenter__ and __aexit__ are Enter and Exit of a Manager.
import asyncio


class Manager:
    async def __aenter__(self):
        print(">entering the context manager")
        await asyncio.sleep(0.5)
        return self

    async def __aexit__(self, *exc_info):
        print(">exiting the context manager")
        await asyncio.sleep(0.5)


async def main():
    async with Manager():
        print("within the manager")


asyncio.run(main())
