"""`evenfall partners`: our keyed hashes or counts for another community, and what theirs say beside our members."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

import polars as pl

from community.partners import COUNTS_SCHEMA, DIMENSIONS, Overlap, compare_counts, count_members, find_overlap, member_hashes
from community.small_cells import FEWEST_IN_A_CELL
from lake.contracts import CONTENT, EVENTS, MEMBERS
from lake.errors import ConfigurationError, DataError, first_line
from lake.storage.delta import DAY
from pipeline.history.consent import of_profiled
from pipeline.history.daily_rollups import members_known
from pipeline.stored_nights import NIGHT, SCORES, read_scores
from runtime.run_context import RunContext

_SHORTEST_KEY: Final = 16
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]*")
_HASH: Final = r"^[0-9a-f]{64}$"


def export_hashes(run: RunContext, file: Path) -> int:
    """Write the keyed hashes of our members who may be profiled, in the order of the hashes; return how many there are.

    Args:
        run: The run, of a night that was scored.
        file: The CSV file to write: one column, `member_hash`.

    Raises:
        ConfigurationError: Key or salt is missing, members are too few, or the file cannot be written.
    """
    hashes = _hashed(run, _members(run))["member_hash"].drop_nulls().unique().sort()
    if len(hashes) < FEWEST_IN_A_CELL:
        raise ConfigurationError(
            f"there are {len(hashes)} hashes to export, and a list of fewer than {FEWEST_IN_A_CELL} says too much of each",
            remedy=f'Check `[partners] by = "{run.settings.partners.by}"`: members need a value of it.',
        )
    _write(hashes.to_frame(), file)
    return len(hashes)


def export_counts(run: RunContext, file: Path) -> int:
    """Write how many members we have by platform, region and topic, small counts put together; return the number of rows.

    The tier is ours alone, and another community's tiers are others.

    Args:
        run: The run.
        file: The CSV file to write: dimension, value, members.
    """
    counts = _our_counts(run)
    _write(counts, file)
    return counts.height


def compare(run: RunContext, name: str, file: Path) -> tuple[Overlap | pl.DataFrame, Path]:
    """Compare their hashes or counts with our members, and write the table into the folder of reports.

    Args:
        run: The run, of a night that was scored.
        name: What the other community is called in the name of the file.
        file: Their CSV: `member_hash`, or dimension, value and members.

    Returns:
        The overlap, or for counts the rows of `compare_counts`; and the file that was written.

    Raises:
        ConfigurationError: The name cannot be part of a file's name, or key or salt is missing.
        DataError: The file cannot be read.
    """
    if not _NAME.fullmatch(name):
        raise ConfigurationError(
            f"{name!r} cannot be part of a file's name", remedy="Use small letters, digits, `-` and `_`, such as garden-club."
        )
    theirs = _read(file)
    if "member_hash" in theirs.columns:
        result: Overlap | pl.DataFrame = find_overlap(_hashed(run, _members(run)), theirs["member_hash"])
    else:
        result = compare_counts(_our_counts(run), theirs)
    written = run.workspace.report(run.as_of).with_name(f"partners-{name}-{run.as_of.isoformat()}.csv")
    _write(result.cells if isinstance(result, Overlap) else result, written)
    return result, written


def newest_night(run: RunContext) -> RunContext:
    """Return the run of the newest night that made lists.

    Raises:
        ConfigurationError: No night has made lists yet.
    """
    nights = run.workspace.lake.days(SCORES, column=NIGHT)
    if not nights:
        raise ConfigurationError("no night has made lists yet", remedy="Run `evenfall nightly` first.")
    return run.on(max(nights))


def _members(run: RunContext) -> pl.DataFrame:
    """Return our members who may be profiled: one row per member, sorted by number: member_no, member_id and `DIMENSIONS`."""
    lake = run.workspace.lake
    known = members_known(lake, timezone=run.timezone, as_of=run.as_of)
    is_seen = pl.col("seen_from").is_null() | (pl.col("seen_from") <= run.as_of)
    profiled = known.filter(is_seen, pl.col("can_profile").fill_null(value=True)).select(
        "member_no", "member_id", "platform", "region"
    )
    tiers = read_scores(lake, run.as_of).select("member_no", "tier").lazy()
    joined = profiled.join(tiers, on="member_no", how="left").join(_topics(run), on="member_id", how="left")
    return joined.select("member_no", "member_id", *DIMENSIONS).collect(engine="streaming").sort("member_no")


def _topics(run: RunContext) -> pl.LazyFrame:
    """Scan the topic that each member came to most in the window of `[show]`: one row per member, member_id, topic."""
    lake = run.workspace.lake
    if not lake.exists(CONTENT.name) or not lake.exists(EVENTS.name):
        return pl.LazyFrame(schema={"member_id": pl.String(), "topic": pl.String()})
    is_in_window = pl.col(DAY).is_between(run.settings.show.first_day(run.as_of), run.as_of)
    topics = of_profiled(lake, CONTENT).filter(pl.col("topic").is_not_null()).select("content_id", "topic")
    came = of_profiled(lake, EVENTS).filter(is_in_window).select("member_id", "content_id").drop_nulls()
    counted = came.join(topics, on="content_id").group_by("member_id", "topic").len()
    return (
        counted.sort("member_id", "len", "topic", descending=[False, True, False])
        .group_by("member_id")
        .agg(pl.col("topic").first())
    )


def _our_counts(run: RunContext) -> pl.DataFrame:
    members = _members(run)
    filled = [name for name in DIMENSIONS if name != "tier" and members[name].null_count() < members.height]
    return count_members(members, filled)


def _hashed(run: RunContext, members: pl.DataFrame) -> pl.DataFrame:
    """Add `member_hash`, null where what is hashed is not known."""
    policy = run.settings.partners
    key = os.environ.get(policy.key_variable, "")
    if len(key) < _SHORTEST_KEY:
        problem = "is not set" if not key else f"has {len(key)} characters, fewer than {_SHORTEST_KEY}"
        raise ConfigurationError(
            f"[partners] key_variable: the environment variable {policy.key_variable} {problem}",
            remedy="Set it to the long random key that both communities agreed on, such as one of `openssl rand -hex 32`.",
        )
    if policy.salt is None:
        raise ConfigurationError(
            "[partners] salt is not set", remedy="Set it to the text that both communities agreed on for this comparison."
        )
    if policy.by == "handle":
        handles = run.workspace.lake.scan_or_empty(MEMBERS.name, MEMBERS.landed_schema).select("member_id", "handle").collect()
        members = members.join(handles, on="member_id", how="left", maintain_order="left")
    return members.with_columns(member_hashes(members[policy.by], key=key.encode(), salt=policy.salt))


def _read(file: Path) -> pl.DataFrame:
    try:
        read = pl.read_csv(file, infer_schema=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DataError(
            f"{file} cannot be read as CSV", remedy="Ask the other community for another file.", detail=first_line(error)
        ) from None
    if "member_hash" in read.columns:
        hashes = read["member_hash"].drop_nulls().str.strip_chars().str.to_lowercase()
        wrong = int((~hashes.str.contains(_HASH)).sum())
        if wrong or hashes.is_empty():
            what = f"{wrong:,} rows are no hashes of 64 hexadecimal digits" if wrong else "there is no hash in it"
            raise DataError(f"{file}: {what}", remedy="Ask for the file of `evenfall partners --export`, or the like.")
        return hashes.to_frame()
    counts = read.select(pl.col(name) for name in COUNTS_SCHEMA if name in read.columns)
    typed = counts.cast(COUNTS_SCHEMA, strict=False) if set(counts.columns) == set(COUNTS_SCHEMA) else counts.clear()
    if typed.is_empty() or typed["members"].null_count() or typed.select("dimension", "value").is_duplicated().any():
        raise DataError(
            f"{file} has neither a column member_hash nor counts in the columns dimension, value and members, each value once",
            remedy="Ask for the file of `evenfall partners --export` or `--counts`, or the like.",
        )
    return typed


def _write(frame: pl.DataFrame, file: Path) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        frame.write_csv(file)
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be written: {error.strerror}", remedy="Name another file.") from error
