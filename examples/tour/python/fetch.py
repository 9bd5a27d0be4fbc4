# aiohttp.Client is a ClientSession, and needs no block for the response.
# It needs aiohttp: pip install aiohttp
import asyncio

import aiohttp


async def main():
    url = "https://www.bbc.co.uk/rd/projects/cloud-fit-production"
    async with aiohttp.ClientSession() as session:
        async with session.get(url) as response:
            print(response.status)
            print(await response.text(), end="")


asyncio.run(main())
