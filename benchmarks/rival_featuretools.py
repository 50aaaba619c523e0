"""Counts per kind and window by Featuretools, on a sample of the members.

python -m benchmarks.rival_featuretools features-of-a-sample INPUTS [--result FOLDER]

Featuretools does not run with pandas 3; its environment is made from `benchmarks/requirements.lock`.
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any, Final

from benchmarks.job import Done, run_job

_WINDOWS: Final = (7, 28, 90, 365)


def features_of_a_sample(inputs: Path) -> Done:
    """The sample's rollups → counts of every event type over every window of more than a day."""
    import duckdb
    import pandas as pd

    facts = json.loads((inputs / "facts.json").read_text(encoding="utf-8"))
    read = duckdb.connect().execute
    daily = read(f"SELECT event_date, member_no, activity, n FROM '{inputs}/sample_daily.parquet'").df()
    members = read(f"SELECT member_no FROM '{inputs}/sample_members.parquet' ORDER BY member_no").df()
    daily["event_date"] = pd.to_datetime(daily["event_date"])
    made = _synthesised(daily.reset_index(names="row"), members, pd.Timestamp(facts["as_of"]), facts["event_types"])

    def write(folder: Path) -> None:
        connection = duckdb.connect()
        connection.register("made", made.reset_index())
        connection.execute(f"COPY made TO '{folder}/features.parquet' (FORMAT parquet)")

    return Done(len(daily), write)


def _synthesised(daily: Any, members: Any, as_of: Any, event_types: list[str]) -> Any:
    import featuretools as ft
    import pandas as pd

    entities = ft.EntitySet("community")
    entities = entities.add_dataframe(dataframe_name="members", dataframe=members, index="member_no")
    entities = entities.add_dataframe(dataframe_name="daily", dataframe=daily, index="row", time_index="event_date")
    entities = entities.add_relationship("members", "member_no", "daily", "member_no")
    activities = [f"event:{kind}" for kind in event_types]
    entities.add_interesting_values(dataframe_name="daily", values={"activity": activities})
    entities.add_last_time_indexes()
    found = {}
    for days in _WINDOWS:
        # A window of 7 days before midnight of the night's day leaves out the day a week before, as ours does.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            matrix, _ = ft.dfs(
                entityset=entities,
                target_dataframe_name="members",
                agg_primitives=["sum"],
                where_primitives=["sum"],
                trans_primitives=[],
                cutoff_time=as_of,
                training_window=f"{days} days",
            )
        for kind, activity in zip(event_types, activities, strict=True):
            column = f"SUM(daily.n WHERE activity = {activity})"
            if column in matrix:
                found[f"{kind}_count_{days}d"] = matrix[column].fillna(0)
    return pd.DataFrame(found)


JOBS: Final = {"features-of-a-sample": features_of_a_sample}

if __name__ == "__main__":
    run_job(JOBS, prepare={})
