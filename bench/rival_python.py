"""The micro suite on Python's event loops.

Usage: rival_python.py asyncio|uvloop|trio

Follows the protocol of serve.go: greets, then answers one figure a request
line. Every function here takes (size, reps), checks its own result and
returns the figure of one operation. The work sleepers_1m is left out: a
million sleepers take from half a minute to two.
"""

import gc
import platform
import signal
import sys
import threading
import time

POSTERS = 4
QUEUE_BOUND = 100
MAP_LIMIT = 10
HOUR = 3600.0


def expect(what, got, want):
    if got != want:
        raise AssertionError(f"wrong result: {what} is {got}, not {want}")


def sum_below(n):
    return n * (n - 1) // 2


def due_offset(i, size):
    """Spread without order over a nanosecond a timer, as deadline.go has it."""
    x = i * 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF
    return (x >> 32) * size * 1e-9 / 2**32


def memory_in_use():
    gc.collect()
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * 4096


async def timed(size, reps, body):
    if reps > 1:
        await body(max(1, reps // 10))
    start = time.perf_counter_ns()
    await body(reps)
    return (time.perf_counter_ns() - start) / (size * reps)


class TooLate(Exception):
    """The timers were not all set before the first was due."""


def until_due(size, attempt):
    """Calls attempt(lead in seconds) with a longer lead until it suffices."""
    lead = leads.get((attempt.__name__, size), size * 10e-6)
    while True:
        try:
            took, figure = attempt(lead)
        except TooLate:
            lead *= 2
            continue
        leads[attempt.__name__, size] = took * 1.5 + 0.01
        return figure


leads = {}


def asyncio_works(run):
    import asyncio

    def work(fn):
        return lambda size, reps: run(fn(size, reps))

    async def give_way(size, reps):
        sleep = asyncio.sleep

        async def body(reps):
            for _ in range(size * reps):
                await sleep(0)

        return await timed(size, reps, body)

    async def give_way_timer(size, reps):
        timer = asyncio.get_running_loop().call_later(HOUR, print)
        try:
            return await give_way(size, reps)
        finally:
            timer.cancel()

    async def give_way_among(size, reps):
        async def body(reps):
            async def one():
                for _ in range(reps):
                    await asyncio.sleep(0)
                return reps

            yields = await asyncio.gather(*(one() for _ in range(size)))
            expect("yields", sum(yields), size * reps)

        return await timed(size, reps, body)

    async def value(i):
        return i

    async def create_await(size, reps):
        async def body(reps):
            total = 0
            for i in range(size * reps):
                total += await asyncio.create_task(value(i))
            expect("sum", total, sum_below(size * reps))

        return await timed(size, reps, body)

    async def gather(size, reps):
        async def body(reps):
            for _ in range(reps):
                tasks = [asyncio.create_task(value(i)) for i in range(size)]
                expect("sum", sum(await asyncio.gather(*tasks)), sum_below(size))

        return await timed(size, reps, body)

    async def to_thread(size, reps):
        async def body(reps):
            total = 0
            for i in range(size * reps):
                total += await asyncio.to_thread(lambda: i)
            expect("sum", total, sum_below(size * reps))

        return await timed(size, reps, body)

    async def queue(size, reps):
        async def body(reps):
            q = asyncio.Queue(QUEUE_BOUND)

            async def produce():
                for i in range(size * reps):
                    await q.put(i)

            producer = asyncio.create_task(produce())
            total = 0
            for _ in range(size * reps):
                total += await q.get()
            await producer
            expect("sum", total, sum_below(size * reps))

        return await timed(size, reps, body)

    async def lock(size, reps):
        async def body(reps):
            mutex = asyncio.Lock()
            count = 0
            for _ in range(size * reps):
                await mutex.acquire()
                count += 1
                mutex.release()
            expect("count", count, size * reps)

        return await timed(size, reps, body)

    async def lock_contended(size, reps):
        async def body(reps):
            mutex = asyncio.Lock()
            count = 0

            async def contend():
                nonlocal count
                for _ in range(reps):
                    await mutex.acquire()
                    before = count
                    await asyncio.sleep(0)
                    count = before + 1
                    mutex.release()

            await asyncio.gather(*(contend() for _ in range(size)))
            expect("count", count, size * reps)

        return await timed(size, reps, body)

    async def timers_insert(size, reps):
        loop = asyncio.get_running_loop()
        timers = []

        async def body(_):
            for i in range(size):
                timers.append(loop.call_later(HOUR + due_offset(i, size) * 1000, print))

        figure = await timed(size, 1, body)
        for timer in timers:
            timer.cancel()
        return figure

    def timers_fire(size, reps):
        async def fire(lead):
            loop = asyncio.get_running_loop()
            done = loop.create_future()
            fired = 0

            def callback():
                nonlocal fired
                fired += 1
                if fired == size:
                    done.set_result(loop.time())

            began = loop.time()
            first = began + lead
            for i in range(size):
                loop.call_at(first + due_offset(i, size), callback)
            took = loop.time() - began
            if took > lead:
                await done
                raise TooLate
            return took, (await done - first) * 1e9 / size

        def timers_fire_in(lead):
            return run(fire(lead))

        return until_due(size, timers_fire_in)

    async def cancel(size, reps):
        waiting = 0

        async def sleeper():
            nonlocal waiting
            waiting += 1
            await asyncio.sleep(HOUR)

        tasks = [asyncio.create_task(sleeper()) for _ in range(size)]
        while waiting < size:
            await asyncio.sleep(0)

        async def body(_):
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            ended = sum(isinstance(r, asyncio.CancelledError) for r in results)
            expect("tasks cancelled", ended, size)

        return await timed(size, 1, body)

    async def post(size, reps):
        loop = asyncio.get_running_loop()

        async def body(reps):
            done = loop.create_future()
            ran = 0

            def callback():
                nonlocal ran
                ran += 1
                if ran == size * reps:
                    done.set_result(None)

            def poster():
                for _ in range(reps):
                    loop.call_soon_threadsafe(callback)

            threads = [threading.Thread(target=poster) for _ in range(size)]
            for thread in threads:
                thread.start()
            await done
            for thread in threads:
                thread.join()

        return await timed(size, reps, body)

    async def task_memory(size, reps):
        release = asyncio.get_running_loop().create_future()
        waiting = 0

        async def waiter():
            nonlocal waiting
            waiting += 1
            await release

        before = memory_in_use()
        tasks = [asyncio.create_task(waiter()) for _ in range(size)]
        while waiting < size:
            await asyncio.sleep(0)
        after = memory_in_use()
        release.set_result(None)
        await asyncio.gather(*tasks)
        return (after - before) / size

    async def map_limit(size, reps):
        async def body(reps):
            for _ in range(reps):
                slots = asyncio.Semaphore(MAP_LIMIT)

                async def double(i):
                    async with slots:
                        await asyncio.sleep(0)
                        return 2 * i

                results = await asyncio.gather(*(double(i) for i in range(size)))
                expect("sum", sum(results), 2 * sum_below(size))

        return await timed(size, reps, body)

    async def burst(size, reps):
        async def body(reps):
            for _ in range(reps):
                gate = asyncio.Event()
                waiting = 0

                async def wait():
                    nonlocal waiting
                    waiting += 1
                    if waiting == size:
                        gate.set()
                    await gate.wait()

                await asyncio.gather(*[asyncio.create_task(wait()) for _ in range(size)])
                expect("waiting", waiting, size)

        return await timed(size, reps, body)

    def sleepers(size, reps):
        async def sleep(lead):
            loop = asyncio.get_running_loop()
            began = loop.time()
            first = began + lead
            asleep = 0
            set_after = None

            async def sleeper(i):
                nonlocal asleep, set_after
                asleep += 1
                if asleep == size:
                    set_after = loop.time() - began
                await asyncio.sleep(first + due_offset(i, size) - loop.time())

            await asyncio.gather(*[asyncio.create_task(sleeper(i)) for i in range(size)])
            last = loop.time()
            if set_after > lead:
                raise TooLate
            return set_after, (set_after + last - first) * 1e9 / size

        def sleepers_in(lead):
            return run(sleep(lead))

        return until_due(size, sleepers_in)

    return {
        "yield": work(give_way),
        "yield_timer": work(give_way_timer),
        "yield_among": work(give_way_among),
        "create_await": work(create_await),
        "gather_100k": work(gather),
        "to_thread": work(to_thread),
        "queue": work(queue),
        "lock": work(lock),
        "lock_contended": work(lock_contended),
        "timers_1m_insert": work(timers_insert),
        "timers_1m_fire": timers_fire,
        "cancel_100k": work(cancel),
        "post": work(post),
        "task_memory": work(task_memory),
        "map_limit": work(map_limit),
        "burst": work(burst),
        "sleepers_10k": sleepers,
    }


def trio_works():
    import trio

    def work(fn):
        return lambda size, reps: trio.run(fn, size, reps)

    async def give_way(size, reps):
        async def body(reps):
            for _ in range(size * reps):
                await trio.lowlevel.checkpoint()

        return await timed(size, reps, body)

    async def give_way_timer(size, reps):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.sleep, HOUR)
            await trio.lowlevel.checkpoint()
            figure = await give_way(size, reps)
            nursery.cancel_scope.cancel()
        return figure

    async def give_way_among(size, reps):
        async def body(reps):
            yields = 0

            async def one():
                nonlocal yields
                for _ in range(reps):
                    await trio.lowlevel.checkpoint()
                yields += reps

            async with trio.open_nursery() as nursery:
                for _ in range(size):
                    nursery.start_soon(one)
            expect("yields", yields, size * reps)

        return await timed(size, reps, body)

    async def create_await(size, reps):
        async def body(reps):
            total = 0

            async def add(i):
                nonlocal total
                total += i

            for i in range(size * reps):
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(add, i)
            expect("sum", total, sum_below(size * reps))

        return await timed(size, reps, body)

    async def gather(size, reps):
        async def body(reps):
            for _ in range(reps):
                results = [0] * size

                async def value(i):
                    results[i] = i

                async with trio.open_nursery() as nursery:
                    for i in range(size):
                        nursery.start_soon(value, i)
                expect("sum", sum(results), sum_below(size))

        return await timed(size, reps, body)

    async def to_thread(size, reps):
        async def body(reps):
            total = 0
            for i in range(size * reps):
                total += await trio.to_thread.run_sync(lambda: i)
            expect("sum", total, sum_below(size * reps))

        return await timed(size, reps, body)

    async def queue(size, reps):
        async def body(reps):
            send, receive = trio.open_memory_channel(QUEUE_BOUND)
            total = 0

            async def produce():
                for i in range(size * reps):
                    await send.send(i)

            async with trio.open_nursery() as nursery:
                nursery.start_soon(produce)
                for _ in range(size * reps):
                    total += await receive.receive()
            expect("sum", total, sum_below(size * reps))

        return await timed(size, reps, body)

    async def lock(size, reps):
        async def body(reps):
            mutex = trio.Lock()
            count = 0
            for _ in range(size * reps):
                await mutex.acquire()
                count += 1
                mutex.release()
            expect("count", count, size * reps)

        return await timed(size, reps, body)

    async def lock_contended(size, reps):
        async def body(reps):
            mutex = trio.Lock()
            count = 0

            async def contend():
                nonlocal count
                for _ in range(reps):
                    await mutex.acquire()
                    before = count
                    await trio.lowlevel.checkpoint()
                    count = before + 1
                    mutex.release()

            async with trio.open_nursery() as nursery:
                for _ in range(size):
                    nursery.start_soon(contend)
            expect("count", count, size * reps)

        return await timed(size, reps, body)

    async def cancel(size, reps):
        waiting = ended = 0

        async def sleeper():
            nonlocal waiting, ended
            waiting += 1
            try:
                await trio.sleep(HOUR)
            except trio.Cancelled:
                ended += 1
                raise

        async with trio.open_nursery() as nursery:
            for _ in range(size):
                nursery.start_soon(sleeper)
            while waiting < size:
                await trio.lowlevel.checkpoint()
            start = time.perf_counter_ns()
            nursery.cancel_scope.cancel()
        took = time.perf_counter_ns() - start
        expect("tasks cancelled", ended, size)
        return took / size

    async def post(size, reps):
        token = trio.lowlevel.current_trio_token()

        async def body(reps):
            done = trio.Event()
            ran = 0

            def callback():
                nonlocal ran
                ran += 1
                if ran == size * reps:
                    done.set()

            def poster():
                for _ in range(reps):
                    token.run_sync_soon(callback)

            threads = [threading.Thread(target=poster) for _ in range(size)]
            for thread in threads:
                thread.start()
            await done.wait()
            for thread in threads:
                thread.join()

        return await timed(size, reps, body)

    async def task_memory(size, reps):
        release = trio.Event()
        waiting = 0

        async def waiter():
            nonlocal waiting
            waiting += 1
            await release.wait()

        before = memory_in_use()
        async with trio.open_nursery() as nursery:
            for _ in range(size):
                nursery.start_soon(waiter)
            while waiting < size:
                await trio.lowlevel.checkpoint()
            after = memory_in_use()
            release.set()
        return (after - before) / size

    async def map_limit(size, reps):
        async def body(reps):
            for _ in range(reps):
                results = [0] * size
                slots = trio.Semaphore(MAP_LIMIT)

                async def double(i):
                    async with slots:
                        await trio.lowlevel.checkpoint()
                        results[i] = 2 * i

                async with trio.open_nursery() as nursery:
                    for i in range(size):
                        nursery.start_soon(double, i)
                expect("sum", sum(results), 2 * sum_below(size))

        return await timed(size, reps, body)

    def sleepers(size, reps):
        async def sleep(lead):
            began = trio.current_time()
            first = began + lead
            asleep = 0
            set_after = None

            async def sleeper(i):
                nonlocal asleep, set_after
                asleep += 1
                if asleep == size:
                    set_after = trio.current_time() - began
                await trio.sleep_until(first + due_offset(i, size))

            async with trio.open_nursery() as nursery:
                for i in range(size):
                    nursery.start_soon(sleeper, i)
            last = trio.current_time()
            if set_after > lead:
                raise TooLate
            return set_after, (set_after + last - first) * 1e9 / size

        def sleepers_in(lead):
            return trio.run(sleep, lead)

        return until_due(size, sleepers_in)

    return {
        "yield": work(give_way),
        "yield_timer": work(give_way_timer),
        "yield_among": work(give_way_among),
        "create_await": work(create_await),
        "gather_100k": work(gather),
        "to_thread": work(to_thread),
        "queue": work(queue),
        "lock": work(lock),
        "lock_contended": work(lock_contended),
        "cancel_100k": work(cancel),
        "post": work(post),
        "task_memory": work(task_memory),
        "map_limit": work(map_limit),
        "sleepers_10k": sleepers,
    }


def load(contestant):
    """The version and the works of a contestant; ImportError if it is not there."""
    if contestant == "trio":
        import trio

        return "trio-" + trio.__version__, trio_works()
    import asyncio

    if contestant == "uvloop":
        import uvloop

        def run(main):
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                return runner.run(main)

        return "uvloop-" + uvloop.__version__, asyncio_works(run)
    return "CPython-" + platform.python_version(), asyncio_works(asyncio.run)


def main():
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    say = lambda line: print(line, flush=True)
    if sys.version_info < (3, 11):
        say(f"absent: needs Python 3.11, this is {platform.python_version()}")
        return
    try:
        version, works = load(sys.argv[1])
    except ImportError:
        say("absent: not installed; -install does it")
        return
    if not sys.platform.startswith("linux"):
        works.pop("task_memory")  # read from /proc
    say("ready " + version + " " + ",".join(works))
    for line in sys.stdin:
        name, size, reps = line.split()
        gc.collect()
        try:
            say(works[name](int(size), int(reps)))
        except Exception as e:
            say(f"error: {type(e).__name__}: {e}".replace("\n", "; "))


main()
