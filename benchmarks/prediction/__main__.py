"""Measure how well every model predicts past nights, and write `docs/prediction.md`.

python -m benchmarks.prediction --only beer --cutoffs 3
"""

from __future__ import annotations

import sys

# The processes that measure import this module again, so what they call must not be defined here.
from benchmarks.prediction.run import main

if __name__ == "__main__":
    main(sys.argv[1:])
