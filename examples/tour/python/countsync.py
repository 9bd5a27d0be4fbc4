# No asyncio at all: time.sleep blocks the thread, so the counts follow one another.
import time


def count():
    print("One")
    time.sleep(1)
    print("Two")


began = time.perf_counter()
for _ in range(3):
    count()
print(f"countsync executed in {time.perf_counter() - began:.2f} seconds.")
