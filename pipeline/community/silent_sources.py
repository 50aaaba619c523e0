"""Sources that bring nothing any more: of a table with several, the others may hide it from its number of rows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from typing import Final

import polars as pl

from community.alarms import Alarm
from community.figures import WHOLE
from lake.arrivals import read_arrivals
from lake.contracts import TABLES
from lake.sources.source_identity import identify
from runtime.run_context import RunContext

SOURCE: Final = "source"
# A pause twice as long as the longest of thirty before comes by chance one time in five hundred, were pauses exponential.
_MOST_PAUSES: Final = 30
_LEAST_PAUSES: Final = 8
_LONGER: Final = 2


def silent_sources(run: RunContext) -> Iterator[Alarm]:
    """Yield an alarm for each source whose new records have not come for more than twice its longest pause so far.

    Tables with a single source are left out: their rows are watched, and how old the newest may be is a rule of the validation.

    Args:
        run: The run, with tonight's arrivals recorded.
    """
    configured = {name: run.settings.table_sources(name) for name, table in TABLES.items() if table.time is not None}
    several = {name: identify(name, sources) for name, sources in configured.items() if len(sources) > 1}
    if not several:
        return
    brought = read_arrivals(run.workspace.lake).filter(pl.col("landed") > 0, pl.col("as_of") <= run.as_of)
    for name, sources in several.items():
        for source in sources:
            own = brought.filter(pl.col("table") == name, pl.col("source") == source.identity)
            nights = own["as_of"].unique().sort().to_list()[-_MOST_PAUSES - 1 :]
            pauses = [(later - earlier).days for earlier, later in pairwise(nights)]
            if len(pauses) < _LEAST_PAUSES:
                continue
            silent, longest = (run.as_of - nights[-1]).days, max(pauses)
            if silent > _LONGER * longest:
                since = nights[-1] + timedelta(days=1)
                yield Alarm(
                    f"{SOURCE}:{source.label}", SOURCE, WHOLE, since, float(silent), float(longest), float(silent) / longest
                )
