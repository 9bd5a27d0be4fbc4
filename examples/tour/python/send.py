# coro.Coroutine has Send and Result, where Python raises StopIteration with the value.
async def f():
    return 123


coro = f()
try:
    coro.send(None)
except StopIteration as end:
    print("The answer was:", end.value)
