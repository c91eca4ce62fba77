"""../shared/bench/run as a module, for the tools beside this file."""
import importlib.machinery
import importlib.util
import multiprocessing
import mmap
import os

HERE = os.path.dirname(os.path.abspath(__file__))
# With 512 calls of 40 ms each, the bench's own number, Bellhop has nothing to do for a third of the time: not the saturation that its figures presume.
WINDOWS = {"call": 1024, "call-dialog": 1024}
SHARED = os.path.abspath(os.environ.get("BENCH", os.path.join(HERE, "..", "..", "shared", "bench")))


def load():
    loader = importlib.machinery.SourceFileLoader("bench_run", os.path.join(SHARED, "run"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("bench_run", loader))
    loader.exec_module(module)
    return module


def touch_memory():
    """Touches most of the free memory once: what a virtual machine has never used, its host hands out page by page at a fifth of the speed of
    memory (0.9 against 4.8 GB/s here), and the first server measured would pay for that."""
    with open("/proc/meminfo") as facts:
        free = next(int(line.split()[1]) * 1024 for line in facts if line.startswith("MemFree:"))
    toucher = multiprocessing.Process(target=_touch, args=(free // 10 * 8,))
    toucher.start()
    toucher.join()
    if toucher.exitcode != 0:
        print("the memory could not be touched before: the first figures may be too high", flush=True)


def _touch(size):
    with mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as memory:
        for page in range(0, size, mmap.PAGESIZE):
            memory[page] = 1
