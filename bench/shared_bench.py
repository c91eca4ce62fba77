"""../shared/bench/run as a module, for the tools beside this file."""
import importlib.machinery
import importlib.util
import os

HERE = os.path.dirname(os.path.abspath(__file__))
SHARED = os.environ.get("BENCH", os.path.join(HERE, "..", "..", "shared", "bench"))


def load():
    loader = importlib.machinery.SourceFileLoader("bench_run", os.path.join(SHARED, "run"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("bench_run", loader))
    loader.exec_module(module)
    return module
