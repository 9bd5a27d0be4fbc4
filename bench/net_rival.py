"""The suite net on Python's event loops.

Usage: net_rival.py asyncio|uvloop

Follows the protocol of net_serve.go: greets, reads the name of a work, answers
with the port it serves on, and ends with its input.
"""

import asyncio
import gc
import os
import platform
import signal
import ssl
import sys

BUFFER = 4096
REQUEST = 1024


class Echo(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)


async def echo(reader, writer):
    try:
        while data := await reader.read(BUFFER):
            writer.write(data)
            await writer.drain()
    finally:
        writer.close()


async def echo_requests(reader, writer):
    try:
        while True:
            writer.write(await reader.readexactly(REQUEST))
            await writer.drain()
    except asyncio.IncompleteReadError:
        pass
    finally:
        writer.close()


async def protocol():
    loop = asyncio.get_running_loop()
    return await loop.create_server(Echo, "127.0.0.1", 0)


async def streams():
    return await asyncio.start_server(echo, "127.0.0.1", 0)


async def requests():
    return await asyncio.start_server(echo_requests, "127.0.0.1", 0)


async def tls():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    # The client names the cipher, so that all servers use the same.
    context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    context.load_cert_chain(os.environ["AIO_BENCH_CERT"], os.environ["AIO_BENCH_KEY"])
    return await asyncio.start_server(echo, "127.0.0.1", 0, ssl=context)


WORKS = {
    "echo_protocol": protocol,
    "echo_stream": streams,
    "echo_tls": tls,
    "idle_memory_protocol": protocol,
    "idle_memory_stream": requests,
    "sparse": streams,
    "connect": streams,
}


async def serve(start):
    loop = asyncio.get_running_loop()
    ended = loop.create_future()
    loop.add_signal_handler(signal.SIGUSR1, gc.collect)
    loop.add_reader(0, lambda: ended.done() or ended.set_result(None))
    server = await start()
    print(server.sockets[0].getsockname()[1], flush=True)
    await ended


def main():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    name = sys.argv[1]
    run = asyncio.run
    version = f"CPython-{platform.python_version()}"
    if name == "uvloop":
        try:
            import uvloop
        except ImportError:
            print("absent: not installed; -install does it", flush=True)
            return
        run = uvloop.run
        version = f"uvloop-{uvloop.__version__}"
    print("ready", version, ",".join(sorted(WORKS)), flush=True)
    # Nothing may be read ahead: the end of the input is the signal to leave.
    work = b""
    while not work.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            return
        work += byte
    run(serve(WORKS[work.decode().strip()]))


main()
