# subprocess.Command and Start are create_subprocess_exec.
import asyncio
from asyncio.subprocess import PIPE


async def main():
    process = await asyncio.create_subprocess_exec("echo", "Hello World", stdout=PIPE)
    out, _ = await process.communicate()
    print(out.decode(), end="")
    print("subprocess:", process)


asyncio.run(main())
