# inspect tells the two apart; in Go the compiler does.
import inspect


async def f():
    return 123


print(type(f))
print(inspect.iscoroutinefunction(f))
coro = f()
print(type(coro))
print(inspect.iscoroutine(coro))
coro.close()
