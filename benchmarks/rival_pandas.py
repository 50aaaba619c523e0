"""The sums that most features are made of, in pandas: counts per kind and window, active days, recency, spend.

python -m benchmarks.rival_pandas features INPUTS [--result FOLDER]
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pandas as pd

from benchmarks.job import Done, run_job

_WINDOWS: Final = (1, 7, 28, 90, 365)


def features(inputs: Path) -> Done:
    """Rollups → counts, active days, recency and spend of every member; fewer columns than ours, none of the ties."""
    facts = json.loads((inputs / "facts.json").read_text(encoding="utf-8"))
    as_of = pd.Timestamp(facts["as_of"])
    daily = pd.read_parquet(inputs / "daily.parquet", columns=["event_date", "member_no", "activity", "n", "amount_minor"])
    daily["activity"] = daily["activity"].astype("category")
    daily["age"] = (as_of - pd.to_datetime(daily["event_date"])).dt.days
    daily = daily[daily["age"] >= 0]
    members = pd.read_parquet(inputs / "members.parquet", columns=["member_no", "seen_from"])
    seen = members["seen_from"].isna() | (pd.to_datetime(members["seen_from"]) <= as_of)
    made = _summed(daily, facts["event_types"]).reindex(members.loc[seen, "member_no"].sort_values())
    counts = [column for column in made if not column.startswith("days_since")]
    made[counts] = made[counts].fillna(0)
    return Done(len(daily), lambda folder: made.reset_index().to_parquet(folder / "features.parquet"))


def _summed(daily: Any, event_types: list[str]) -> Any:
    own = daily[daily["activity"].str.startswith("event:") | daily["activity"].isin(["order", "refund"])]
    columns: dict[str, Any] = {}
    for days in _WINDOWS:
        recent = daily[daily["age"] < days]
        sums = recent.groupby(["member_no", "activity"], observed=True)[["n", "amount_minor"]].sum()
        counts = sums["n"].unstack(fill_value=0)
        money = sums["amount_minor"].unstack(fill_value=0)
        types = [f"event:{kind}" for kind in event_types]
        counts = counts.reindex(columns=[*types, "order", "refund", "received"], fill_value=0)
        money = money.reindex(columns=["order", "refund"], fill_value=0)
        for name in counts:
            columns[f"{name.removeprefix('event:')}_count_{days}d"] = counts[name]
        columns[f"event_count_{days}d"] = counts[types].sum(axis=1)
        columns[f"activity_count_{days}d"] = counts[[*types, "order", "refund"]].sum(axis=1)
        columns[f"spend_{days}d"] = ((money["order"] + money["refund"]) / 100).round(2)
        active = own.loc[own["age"] < days, ["member_no", "event_date"]].drop_duplicates()
        columns[f"active_days_{days}d"] = active.groupby("member_no").size()
    last = daily.groupby(["member_no", "activity"], observed=True)["age"].min().unstack()
    for kind in event_types:
        columns[f"days_since_last_{kind}"] = last.get(f"event:{kind}")
    columns["days_since_last_activity"] = own.groupby("member_no")["age"].min()
    return pd.DataFrame({name: column for name, column in columns.items() if column is not None})


JOBS: Final = {"features": features}

if __name__ == "__main__":
    run_job(JOBS, prepare={})
