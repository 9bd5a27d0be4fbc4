"""Runs programs given as JSON on standard input under asyncio and a clock of its own; prints what each did, as JSON.

A program is a list of bodies, each a list of operations; cpython_test.go makes them and runs them under aio. Four bodies are those of
the first main and of the tasks; more are those of further mains, which run one after the other on the same runner.

Where aio means something else by design, a line that begins with "apart" says so, and nothing is compared from there on.
"""
import asyncio
import collections
import contextlib
import json
import selectors
import sys

NEWER = sys.version_info >= (3, 12)  # than the one whose order aio has


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


class Shutdown(Exception):
    def __str__(self):
        return "S"


class Queue(asyncio.Queue):
    """A queue that can be shut down, as the documentation of Python 3.13 describes it."""
    over = False

    def shutdown(self, immediate):
        self.over = True
        if immediate:
            while not self.empty():
                super().get_nowait()
        for line in self._getters, self._putters:
            while line:
                if not (waiter := line.popleft()).done():
                    waiter.set_result(None)

    async def put(self, item):
        while self.full() and not self.over:
            await self.turn(self._putters, self.full)
        self.put_nowait(item)

    def put_nowait(self, item):
        if self.over:
            raise Shutdown
        super().put_nowait(item)

    async def get(self):
        while self.empty() and not self.over:
            await self.turn(self._getters, self.empty)
        return self.get_nowait()

    def get_nowait(self):
        if self.over and self.empty():
            raise Shutdown
        return super().get_nowait()

    async def turn(self, line, blocked):
        waiter = asyncio.get_running_loop().create_future()
        line.append(waiter)
        try:
            await waiter
        except BaseException:
            if waiter in line:
                line.remove(waiter)
            if not blocked() and not waiter.cancelled():
                self._wakeup_next(line)
            raise


class Line(collections.deque):
    """The waiters of a condition; it knows the latest of each task."""
    def __init__(self):
        super().__init__()
        self.latest = {}

    def append(self, waiter):
        self.latest[asyncio.current_task()] = waiter
        super().append(waiter)

    def notified(self):
        """Whether the running task had been notified, or released, when it was cancelled."""
        waiter = self.latest.get(asyncio.current_task())
        return waiter is not None and waiter.done() and not waiter.cancelled()


class Barrier(asyncio.Barrier):
    log = None

    async def _release(self):
        if any(waiter.cancelled() for waiter in self._cond._waiters):
            self.log("apart: a cancelled task counts at the barrier")
        await super()._release()


class Task(asyncio.Task):
    """It knows how many wait for it, and when one of them passes on its own cancellation."""
    program = None
    waited = 0
    passing = 0  # cancellations under way

    def cancel(self, msg=None):
        if Task.passing and self.waited > 1 and not self.done():
            self.program.log("apart: a task that others wait for is not cancelled with one of them")
        Task.passing += 1
        try:
            return super().cancel(msg)
        finally:
            Task.passing -= 1


@contextlib.contextmanager
def waiting(*tasks):
    for task in tasks:
        task.waited += 1
    try:
        yield
    finally:
        for task in tasks:
            task.waited -= 1


class Ordered(dict):
    """A set that remembers the order."""
    def add(self, item):
        self[item] = None

    def discard(self, item):
        self.pop(item, None)


class Group(asyncio.TaskGroup):
    """It cancels its tasks in the order of their creation, which a set does not promise."""
    expected = False  # the wait will be interrupted once, by what aborts the group

    def __init__(self, log):
        super().__init__()
        self._tasks = Ordered()
        self.log = log

    def _abort(self):
        self.expected = self._on_completed_fut is not None
        super()._abort()

    @property
    def _on_completed_fut(self):
        return self.__dict__.get("wait")

    @_on_completed_fut.setter
    def _on_completed_fut(self, wait):
        before, self.__dict__["wait"] = self._on_completed_fut, wait
        if wait is None and before is not None and before.cancelled():
            if not self.expected and not self._tasks:
                self.log("apart: a second cancellation hurries the end of a group")
            self.expected = False


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
        self.cond._waiters = Line()
        self.sem = asyncio.Semaphore(2)
        self.single = asyncio.Semaphore(1)
        self.barrier = Barrier(2)
        self.barrier.log = lambda what: self.log(what)
        self.barrier._cond._waiters = Line()
        self.event = asyncio.Event()
        self.queue = Queue()
        self.narrow = Queue(1)
        self.futures = []
        self.blocks = []

    def log(self, who, *what):
        now = self.loop.time()
        self.lines.append(" ".join(map(str, (int(now), who) + what)))

    async def main(self, body):
        loop = asyncio.get_running_loop()
        if not self.futures:
            self.futures = [loop.create_future() for _ in range(3)]
        try:
            await self.ops("main", self.bodies[body], [])
        except BaseException as e:
            self.log("main", "ends", kind(e))
            raise
        self.log("main", "ends", "ok")

    def spawn(self, ops, group=None):
        name = "t%d" % len(self.tasks)

        async def run():
            self.log(name, "begins")
            try:
                await self.ops(name, ops, [])
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
        task.label, task.program = name, self
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
            if (task := self.spawn(self.bodies[a], group)) is not None and group is None:
                mine.append(task)
            log(who, o, len(self.tasks) - 1)
        elif o == "child":
            if (task := self.spawn(body, group)) is not None and group is None:
                mine.append(task)
            log(who, o, len(self.tasks) - 1)
        elif o == "await":
            if mine:
                try:
                    with waiting(mine[a % len(mine)]):
                        await mine[a % len(mine)]
                finally:
                    log(who, o)
        elif o == "gather":
            if mine:
                all = asyncio.gather(*mine, return_exceptions=bool(b))
                if NEWER and all.done():
                    log("apart: a gather of tasks that have ended takes a pass")
                try:
                    with waiting(*mine):
                        got = await all
                except BaseException:
                    if all._cancel_requested and any(not t.done() for t in mine):
                        log("apart: a cancelled gather does not wait for all")
                    raise
                log(who, o, *[kind(e) if isinstance(e, BaseException) else "ok" for e in got])
        elif o == "wait":
            if mine:
                when = (asyncio.ALL_COMPLETED, asyncio.FIRST_COMPLETED, asyncio.FIRST_EXCEPTION)[a % 3]
                with waiting(*mine):
                    done, pending = await asyncio.wait(mine, return_when=when, timeout=b or None)
                log(who, o, "".join("d" if t in done else "p" for t in mine))
        elif o == "each":
            await self.each(who, mine)
        elif o == "limited":
            async with asyncio.timeout(a):
                await self.each(who, mine)
            log(who, o, "left")
        elif o == "shield":
            if (task := self.one(a)) is not None and task is not asyncio.current_task():
                with waiting(task):
                    await asyncio.shield(task)
                log(who, o, a)
        elif o == "cancel":
            def cancel():
                if (task := self.one(a)) is not None:
                    log(who, o, task.label, task.done())
                    task.cancel()
            asyncio.get_running_loop().call_later(b, cancel)
        elif o == "cancelnow":
            if (task := self.one(a)) is not None and task is not asyncio.current_task():
                log(who, o, task.label, task.done())
                self.cancel(task)
        elif o == "downfall":
            one, other = self.one(a), self.one(b)
            if one is not None:
                def follow(task):
                    log(who, o, other.label, other.done())
                    other.cancel()
                one.add_done_callback(follow)
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
        elif o == "deadline":
            now = asyncio.get_running_loop().time()
            try:
                async with asyncio.timeout_at(now - now % a + a) as block:
                    self.blocks.append(block)
                    await self.ops(who, body, mine, None)
            finally:
                log(who, o, block.expired())
        elif o == "move":
            if self.blocks:
                try:
                    self.blocks[a % len(self.blocks)].reschedule(None if b == 2 else asyncio.get_running_loop().time() + b)
                    log(who, o, "ok")
                except RuntimeError:
                    log(who, o, "no")
        elif o == "movelater":
            def move():
                if self.blocks:
                    block = self.blocks[a % len(self.blocks)]
                    try:
                        block.reschedule(asyncio.get_running_loop().time())
                        log(who, o, "ok", block.expired())
                    except RuntimeError:
                        log(who, o, "no", block.expired())
            asyncio.get_running_loop().call_later(b, move)
        elif o == "finally":
            try:
                await self.ops(who, body, mine, group)
            finally:
                log(who, "tidies up")
                try:
                    await asyncio.sleep(a)
                except asyncio.CancelledError:
                    log("apart: a cancellation interrupts the cleanup")
                    raise
                log(who, "tidied up")
        elif o == "group":
            async with Group(lambda what: log(what)) as g:
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
                if asyncio.current_task().cancelling():
                    log("apart: it goes on although it was cancelled")
        elif o == "raise":
            raise Boom(a)
        elif o == "lock":
            async with self.locks[a % 2]:
                log(who, o, a % 2)
                await self.ops(who, body, mine, None)
            log(who, "unlock", a % 2)
        elif o == "sem" or o == "single":
            async with self.sem if o == "sem" else self.single:
                log(who, o)
                await self.ops(who, body, mine, None)
            log(who, "release")
        elif o == "barrier":
            try:
                n = await self.barrier.wait()
            except asyncio.CancelledError:
                if self.barrier._cond._waiters.notified():
                    log("apart: a cancelled task counts at the barrier")
                raise
            log(who, o, n)
        elif o == "cwait":
            async with self.cond:
                try:
                    await self.cond.wait()
                except asyncio.CancelledError:
                    if NEWER:
                        log("apart: a cancelled wait for a condition wakes another one")
                    elif self.cond._waiters.notified():
                        log("apart: a notification is lost with a cancelled task")
                    raise
                log(who, o)
        elif o == "cpass":
            async with self.cond:
                self.cond.notify(1)
                log(who, o)
                if (task := self.one(a)) is not None and task is not asyncio.current_task():
                    self.cancel(task)
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
        elif o == "bput":
            await self.narrow.put(a)
            log(who, o, a)
        elif o == "btake":
            def take():
                try:
                    log(who, o, self.narrow.get_nowait())
                except asyncio.QueueEmpty:
                    log(who, o, "empty")
                except Shutdown:
                    log(who, o, "S")
            asyncio.get_running_loop().call_later(b, take)
        elif o == "shutdown":
            (self.queue, self.narrow)[a % 2].shutdown(b == 0)
            log(who, o, a % 2)
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


    def cancel(self, task):
        task.cancel()
        if asyncio.current_task()._must_cancel:
            self.log("apart: the next await of a task that cancels itself fails at once")

    async def each(self, who, mine):
        with waiting(*mine):
            await self.each_of(who, mine)

    async def each_of(self, who, mine):
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
            self.log(who, "each", n)


def run(bodies):
    loop = Loop()
    loop.set_task_factory(lambda loop, coro, **k: Task(coro, loop=loop, **k))
    loop.set_exception_handler(lambda loop, context: None)
    asyncio.set_event_loop(loop)
    p = Program(bodies)
    p.loop = loop
    lines = None
    try:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            for body in [0] + list(range(4, len(bodies))):
                try:
                    runner.run(p.main(body))
                except Deadlock:
                    lines = p.lines + ["deadlock"]
                    break
                except (Exception, asyncio.CancelledError):
                    pass
    except Deadlock:  # what is left when the runner is closed waits for each other
        lines = lines or p.lines + ["deadlock"]
    return lines or p.lines + ["over"]


programs = json.load(sys.stdin)
sys.unraisablehook = lambda *a: None
json.dump([run(p) for p in programs], sys.stdout)
