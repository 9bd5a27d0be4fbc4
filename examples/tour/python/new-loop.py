# NewLoop is new_event_loop.
import asyncio

loop = asyncio.new_event_loop()
print(loop)
loop.close()
