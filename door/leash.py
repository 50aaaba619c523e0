"""Run a Python module until the process that started it has ended: `python -P door/leash.py MODULE ARGUMENT…`.

The starting process holds the other end of this process's standard input and writes nothing. The operating system closes it
when that process ends, however it ends; then this one and all it started, which are a process group of their own, end as well.
"""

import os
import runpy
import signal
import sys
import threading
import time

_GRACE_SECONDS = 3.0


def _end_with_starter() -> None:
    while os.read(0, 1024):
        pass
    os.killpg(0, signal.SIGTERM)
    time.sleep(_GRACE_SECONDS)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    assert os.getpgrp() == os.getpid(), "the group that is ended must hold nobody else"
    threading.Thread(target=_end_with_starter, daemon=True).start()
    module = sys.argv[1]
    sys.argv = sys.argv[1:]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
