"""The cards of the champions in the workspace: `reports/model-card-churn.html` and `-value.html`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Final

from runtime.run_context import RunContext
from runtime.tracking.pages import read_page
from runtime.tracking.tracking import RegisteredModel

# The name of the page among the artifacts of a training.
MODEL_CARD: Final = "model-card.html"
_WRITTEN_FOR: Final = re.compile(r"<!-- (\w+/\d+) since (\d{4}-\d{2}-\d{2}) -->")


def show_cards(run: RunContext, champions: Iterable[RegisteredModel]) -> None:
    """Write the cards of tonight's champions into the folder of reports, where those of other models are there now.

    A past night that is run again leaves the card of a later champion. Models of earlier releases have no card: none is shown.

    Args:
        run: The run.
        champions: The models that score tonight.

    Raises:
        OutsideServiceError: The tracking server failed.
    """
    for model in champions:
        path = card_file(run, model.name)
        shown, since = _shown(path)
        if shown == model.label or (since is not None and run.as_of < since):
            continue
        page = read_page(run.tracking, model, MODEL_CARD)
        if page is None:
            # The card of another model would be taken for its own.
            path.unlink(missing_ok=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            _replace(path, f"{page.rstrip()}\n<!-- {model.label} since {run.as_of.isoformat()} -->\n")


def card_file(run: RunContext, model: str) -> Path:
    """Return the file of the card of a model that is called `churn` or `value`; it may not be there."""
    return run.workspace.reports / f"model-card-{model}.html"


def _shown(path: Path) -> tuple[str | None, date | None]:
    """Return the model whose card a file is, and the first night it was shown for."""
    if not path.exists():
        return None, None
    marks = _WRITTEN_FOR.findall(path.read_text(encoding="utf-8"))
    return (marks[-1][0], date.fromisoformat(marks[-1][1])) if marks else (None, None)


def _replace(path: Path, text: str) -> None:
    """Write a file that is whole at any moment."""
    unfinished = path.with_name(f".{path.name}")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(path)
