# subprocess.Shell and Start are create_subprocess_shell.
import asyncio
from asyncio.subprocess import PIPE


async def main():
    process = await asyncio.create_subprocess_shell("echo Hello World", stdout=PIPE)
    print("subprocess:", process)
    out, _ = await process.communicate()
    print(out.decode(), end="")


asyncio.run(main())
