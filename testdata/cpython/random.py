"""Runs programs given as JSON on standard input under asyncio and a clock of its own; prints what each did, as JSON.

A program is a list of bodies, each a list of operations; cpython_test.go makes them and runs them under aio.
"""
import asyncio
import json
import selectors
import sys


class Deadlock(BaseException):
    pass


class Selector(selectors.DefaultSelector):
    """Waits for nothing: it moves the clock instead."""
    loop = None

    def select(self, timeout=None):
        if timeout is None or timeout < 0:
            if self.loop._ready:
                return []
            raise Deadlock
        self.loop.now = self.loop.time() + timeout
        return []


class Loop(asyncio.SelectorEventLoop):
    """Its time is whole seconds; timers due in the same one run in the order of their creation, which heapq does not promise."""
    now = 0
    timers = 0

    def __init__(self):
        selector = Selector()
        super().__init__(selector)
        selector.loop = self
        self._clock_resolution = 1e-3

    def time(self):
        return int(self.now)

    def call_at(self, when, callback, *args, context=None):
        self.timers += 1
        return super().call_at(int(when) + self.timers * 1e-7, callback, *args, context=context)


class Boom(Exception):
    def __str__(self):
        return "E" + str(self.args[0])


def kind(e):
    if e is None:
        return "ok"
    if isinstance(e, asyncio.CancelledError):
        return "C"
    if isinstance(e, TimeoutError):
        return "T"
    if isinstance(e, BaseExceptionGroup):
        return "+".join(map(kind, e.exceptions))
    return str(e)


class Program:
    def __init__(self, bodies):
        self.bodies = bodies
        self.lines = []
        self.tasks = []
        self.locks = [asyncio.Lock() for _ in range(2)]
        self.cond = asyncio.Condition()
        self.sem = asyncio.Semaphore(2)
        self.event = asyncio.Event()
        self.queue = asyncio.Queue()
        self.futures = []

    def log(self, who, *what):
        now = asyncio.get_running_loop().time()
        self.lines.append(" ".join(map(str, (int(now), who) + what)))

    async def main(self):
        loop = asyncio.get_running_loop()
        self.futures = [loop.create_future() for _ in range(3)]
        try:
            await self.ops("main", self.bodies[0], [])
        except BaseException as e:
            self.log("main", "ends", kind(e))
            raise
        self.log("main", "ends", "ok")

    def spawn(self, body, group=None):
        name = "t%d" % len(self.tasks)

        async def run():
            self.log(name, "begins")
            try:
                await self.ops(name, self.bodies[body], [])
            except BaseException as e:
                self.log(name, "ends", kind(e))
                raise
            self.log(name, "ends", "ok")

        coro = run()
        try:
            task = (group or asyncio).create_task(coro)
        except RuntimeError:
            coro.close()
            self.log(name, "refused")
            return None
        task.label = name
        self.tasks.append(task)
        return task

    def one(self, n):
        return self.tasks[n % len(self.tasks)] if self.tasks else None

    async def ops(self, who, ops, mine, group=None):
        for op in ops:
            await self.op(who, op, mine, group)

    async def op(self, who, op, mine, group):
        o, a, b, body = op["op"], op.get("a", 0), op.get("b", 0), op.get("body") or []
        log = self.log
        if o == "yield":
            await asyncio.sleep(0)
            log(who, o)
        elif o == "sleep":
            await asyncio.sleep(a)
            log(who, o, a)
        elif o == "spawn":
            if (task := self.spawn(a, group)) is not None and group is None:
                mine.append(task)
            log(who, o, len(self.tasks) - 1)
        elif o == "await":
            if mine:
                try:
                    await mine[a % len(mine)]
                finally:
                    log(who, o)
        elif o == "gather":
            if mine:
                got = await asyncio.gather(*mine, return_exceptions=bool(b))
                log(who, o, *[kind(e) if isinstance(e, BaseException) else "ok" for e in got])
        elif o == "wait":
            if mine:
                when = (asyncio.ALL_COMPLETED, asyncio.FIRST_COMPLETED, asyncio.FIRST_EXCEPTION)[a % 3]
                done, pending = await asyncio.wait(mine, return_when=when, timeout=b or None)
                log(who, o, "".join("d" if t in done else "p" for t in mine))
        elif o == "each":
            if mine:
                n = 0
                for c in asyncio.as_completed(mine):
                    try:
                        await c
                    except asyncio.CancelledError:
                        if asyncio.current_task().cancelling():
                            raise
                    except Exception:
                        pass
                    n += 1
                    log(who, o, n)
        elif o == "shield":
            if (task := self.one(a)) is not None and task is not asyncio.current_task():
                await asyncio.shield(task)
                log(who, o, a)
        elif o == "cancel":
            def cancel():
                if (task := self.one(a)) is not None:
                    log(who, o, task.label, task.done())
                    task.cancel()
            asyncio.get_running_loop().call_later(b, cancel)
        elif o == "ondone":
            if (task := self.one(a)) is not None:
                task.add_done_callback(lambda t: log(who, "sees the end of", t.label))
        elif o == "soon":
            asyncio.get_running_loop().call_soon(lambda: log(who, o, a))
        elif o == "later":
            asyncio.get_running_loop().call_later(a, lambda: log(who, o, a))
        elif o == "timeout":
            async with asyncio.timeout(a):
                await self.ops(who, body, mine, None)
            log(who, o, "left")
        elif o == "group":
            async with asyncio.TaskGroup() as g:
                await self.ops(who, body, [], g)
            log(who, o, "left")
        elif o == "try":
            try:
                await self.ops(who, body, mine, group)
            except asyncio.CancelledError:
                log(who, "meets C")
                raise
            except Exception as e:
                log(who, "meets", kind(e))
        elif o == "raise":
            raise Boom(a)
        elif o == "lock":
            async with self.locks[a % 2]:
                log(who, o, a % 2)
                await self.ops(who, body, mine, None)
            log(who, "unlock", a % 2)
        elif o == "sem":
            async with self.sem:
                log(who, o)
                await self.ops(who, body, mine, None)
            log(who, "release")
        elif o == "cwait":
            async with self.cond:
                await self.cond.wait()
                log(who, o)
        elif o == "cnotify":
            async with self.cond:
                self.cond.notify(a)
                log(who, o, a)
        elif o == "ewait":
            await self.event.wait()
            log(who, o)
        elif o == "eset":
            self.event.set()
        elif o == "eclear":
            self.event.clear()
        elif o == "put":
            await self.queue.put(a)
            log(who, o, a)
        elif o == "get":
            v = await self.queue.get()
            log(who, o, v)
        elif o == "fwait":
            v = await asyncio.shield(self.futures[a % 3])
            log(who, o, v)
        elif o == "fset":
            f = self.futures[a % 3]
            if not f.done():
                if b == 0:
                    f.set_result(a)
                elif b == 1:
                    f.set_exception(Boom(a))
                else:
                    f.cancel()
            log(who, o, a, b)
        else:
            raise AssertionError(o)


def run(bodies):
    loop = Loop()
    loop.set_exception_handler(lambda loop, context: None)
    asyncio.set_event_loop(loop)
    p = Program(bodies)
    lines = None
    try:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            try:
                runner.run(p.main())
            except Deadlock:
                lines = p.lines + ["deadlock"]
            except (Exception, asyncio.CancelledError):
                pass
    except Deadlock:  # what is left when the runner is closed waits for each other
        lines = lines or p.lines + ["deadlock"]
    return lines or p.lines + ["over"]


programs = json.load(sys.stdin)
sys.unraisablehook = lambda *a: None
json.dump([run(p) for p in programs], sys.stdout)
