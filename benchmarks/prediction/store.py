"""What was measured already, figures as JSON lines and predictions as Parquet: an interrupted run goes on where it was."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

from models.measures import Purpose
from runtime.run_context import code_hash

_HERE = Path(__file__).parent
_FEATURE_CODE = ("lake", "features", "pipeline/history", "pipeline/intake")
_FEATURE_FILES = ("datasets.py", "panels.py", "windows.py")
_MODEL_FILES = ("differences.py", "measure.py", "ours.py", "rivals.py", "starting.py")


@dataclass(frozen=True)
class Store:
    """Where panels and figures of this very code are kept.

    Args:
        root: The results folder; what other code measured lies beside it there and is not read.
        budget: What else the figures depend on, such as the number of draws.
    """

    root: Path
    budget: str

    @property
    def panels(self) -> Path:
        """The folder of panels: another one after any change in the code that computes features."""
        return _made(self.root / f"panels-{_hash(_FEATURE_CODE, _FEATURE_FILES)}")

    @property
    def figures(self) -> Path:
        """The folder of figures: another one after any change in features, models or the measuring itself."""
        return _made(self.root / f"figures-{_hash((*_FEATURE_CODE, 'models'), (*_FEATURE_FILES, *_MODEL_FILES))}-{self.budget}")

    def read(self, data_set: str) -> dict[tuple[Purpose, str], dict[str, Any]]:
        """Read the figures of a data set: purpose and as-of → figures."""
        path = self._lines(data_set)
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        figures = [figure for line in lines if (figure := _read_line(line)) is not None]
        return {(figure["purpose"], figure["as_of"]): figure for figure in figures}

    def write(self, data_set: str, figures: dict[str, Any], predictions: pl.DataFrame) -> None:
        """Keep what was measured at one cut-off; the predictions come first, so that figures are never without them."""
        path = self._predictions(data_set, figures["purpose"], figures["as_of"])
        path.parent.mkdir(parents=True, exist_ok=True)
        predictions.write_parquet(path)
        with self._lines(data_set).open("a", encoding="utf-8") as lines:
            # A line break first: the last line may be that of a run that was killed while it wrote.
            lines.write("\n" + json.dumps(figures))

    def predictions(self, data_set: str, purpose: Purpose, as_of: str) -> pl.DataFrame:
        """Read the predictions of one cut-off."""
        return pl.read_parquet(self._predictions(data_set, purpose, as_of))

    def _lines(self, data_set: str) -> Path:
        return self.figures / f"{data_set}.jsonl"

    def _predictions(self, data_set: str, purpose: Purpose, as_of: str) -> Path:
        return self.figures / data_set / f"{purpose}-{as_of}.parquet"


def _read_line(line: str) -> dict[str, Any] | None:
    try:
        return json.loads(line)  # type: ignore[no-any-return]
    except ValueError:
        # Empty, or cut short by a kill: measured again.
        return None


@cache
def _hash(rooms: tuple[str, ...], files: tuple[str, ...]) -> str:
    digest = hashlib.sha256(code_hash(rooms).encode())
    for name in files:
        digest.update((_HERE / name).read_bytes())
    return digest.hexdigest()[:12]


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
