# A class with __aenter__ and __aexit__ is a Manager; "async with" is aiter.With.
# It needs aiohttp: pip install aiohttp
import asyncio

import aiohttp


class Session:
    def __init__(self, url):
        self.url = url

    async def __aenter__(self):
        self.client = aiohttp.ClientSession()
        return await self.client.get(self.url)

    async def __aexit__(self, *exc_info):
        await self.client.close()


async def check(url):
    async with Session(url) as response:
        print(f"{url}: status -> {response.status}")
        html = await response.text()
        print(f"{url}: type -> {html[:17].strip()}")


async def main():
    await asyncio.gather(check("https://realpython.com"), check("https://pycoders.com"))


asyncio.run(main())
