"""One measured piece of work in a process of its own: wall and CPU seconds, peak memory, rows.

Imports are not timed: a night pays them once, whatever it does. Nothing but the standard library is imported here, because
rivals run in an environment of their own.
"""

from __future__ import annotations

import argparse
import json
import re
import resource
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_KIB_PER_MIB = 1_024


@dataclass(frozen=True)
class Done:
    """What a piece of work made.

    Args:
        rows: Rows it worked on.
        write: Writes its result as Parquet files into a folder; not timed.
    """

    rows: int
    write: Callable[[Path], None]


def run_job(
    jobs: Mapping[str, Callable[[Any], Done]], *, prepare: Mapping[str, Callable[[Path], Any]], arguments: list[str] | None = None
) -> None:
    """Do the job that the command line names, and print what it cost as a line of JSON.

    Args:
        jobs: Name → the work. It is given the folder of the inputs, or what was prepared from them.
        prepare: Name → what has to be there before the work begins, and is not timed.
        arguments: The command line; None for that of the process.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("job", choices=sorted(jobs))
    parser.add_argument("inputs", type=Path)
    parser.add_argument("--result", type=Path, help="Folder for the result.")
    asked = parser.parse_args(arguments)
    given = prepare[asked.job](asked.inputs) if asked.job in prepare else asked.inputs
    wall, cpu = time.perf_counter(), time.process_time()
    done = jobs[asked.job](given)
    cost = {"wall_seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - cpu, "rows": done.rows}
    cost["peak_mib"] = peak_mib()
    if asked.result is not None:
        asked.result.mkdir(parents=True, exist_ok=True)
        done.write(asked.result)
    sys.stdout.write(json.dumps(cost) + "\n")


def peak_mib() -> float:
    """Most memory this process held at once."""
    # What the system reports of resources used includes the process that started this one; its own status does not.
    try:
        found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="utf-8"))
    except OSError:
        found = None
    kib = int(found[1]) if found else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kib / _KIB_PER_MIB
