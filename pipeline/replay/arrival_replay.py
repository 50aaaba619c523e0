"""Replaying quarantined rows of one arrival: they land as if they had never been bad, by the rules of their source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from lake.arrivals import move_counts
from lake.contracts import TABLES, Table
from lake.landing import SEQUENCE, land
from lake.record_parts import Composition, land_parts, read_parts
from lake.refusals import IS_NEW, read_refusals, statements, update_refusals
from lake.source_keys import reference_names, resolve
from lake.sources.source_identity import Source
from lake.sources.source_settings import SourceSettings
from lake.storage.delta import Lake
from pipeline.intake.table_landing import composition_of


@dataclass(frozen=True)
class Replay:
    """One arrival whose rows are judged again.

    Args:
        lake: The lake, with everything recorded.
        table: The table the arrival feeds.
        settings: Its source.
        ledger: One row per arrival, the sources as they are called today.
        arrival: The arrival's row of it.
        sources: The table's sources.
    """

    lake: Lake
    table: Table
    settings: SourceSettings
    ledger: pl.DataFrame
    arrival: Mapping[str, Any]
    sources: Sequence[Source]

    @property
    def composition(self) -> Composition | None:
        """How the table's records are made of parts; None where each is whole."""
        return composition_of(self.lake, self.table, is_alone=len(self.sources) == 1, lines=self.settings.lines)

    def held(self) -> pl.DataFrame:
        """One row per record, or part of one, that the arrival has in the lake."""
        if self.composition is not None:
            parts = read_parts(self.lake, self.composition, self.ledger).select(list(self.table.landed_schema))
            return parts.filter(pl.col("arrival_id") == self.arrival["arrival_id"])
        held = self.lake.scan_or_empty(self.table.name, self.table.landed_schema)
        return held.filter(pl.col("arrival_id") == self.arrival["arrival_id"]).collect(engine="streaming")

    def with_references(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Let references to tables of which a source has keys of its own find them."""
        for column, referred in self.table.references.items():
            if column in rows.columns and referred != "members":
                names = reference_names(self.lake, TABLES[referred], self.ledger, [])
                rows = rows.with_columns(resolve(pl.col(column), names)) if names.height else rows
        return rows

    def without_conflicts(self, good: pl.DataFrame) -> pl.DataFrame:
        """Leave out rows whose key another source has, where that is not said to be one record."""
        if self.table.name == "members" or self.settings.whose_keys == "shared":
            return good
        others = self.ledger.filter(pl.col("table") == self.table.name, pl.col("source") != self.arrival["source"])
        held = self.lake.scan_or_empty(self.table.name, self.table.landed_schema).select(self.table.key, "arrival_id")
        theirs = held.join(others.select("arrival_id").lazy(), on="arrival_id", how="semi").select(self.table.key)
        return good.join(theirs.collect(engine="streaming"), on=self.table.key, how="anti", maintain_order="left")

    def not_overtaken(self, records: pl.DataFrame) -> pl.DataFrame:
        """Leave out records whose key a later arrival has brought: that one stays, as if the row had never been bad.

        Of a snapshot that a newer one has taken the place of, nothing is left.
        """
        later = self.ledger.filter(pl.col("table") == self.table.name, pl.col("sequence") > self.arrival["sequence"])
        if self.settings.mode == "snapshot" and (later["source"] == self.arrival["source"]).any():
            return records.clear()
        held = self.lake.scan_or_empty(self.table.name, self.table.landed_schema).select(self.table.key, "arrival_id")
        if self.composition is not None:
            # Parts of other sources or files stand beside this one.
            held = read_parts(self.lake, self.composition, self.ledger).lazy().select(self.table.key, "arrival_id")
            later = later.filter(pl.col("source") == self.arrival["source"])
            if "source_file" in self.composition.part_of:
                later = later.filter(pl.col("path") == self.arrival["path"])
        newer = held.join(later.select("arrival_id").lazy(), on="arrival_id", how="semi").select(self.table.key)
        return records.join(newer.collect(engine="streaming"), on=self.table.key, how="anti")

    def hear(self, rows: pl.DataFrame, *, said_at: datetime) -> None:
        """Keep what the rows say of consent: a no stands, a yes may have been overtaken."""
        place = {"source": self.arrival["source"], "arrival_id": self.arrival["arrival_id"], "said_at": said_at}
        said = statements(rows, only_refusals=True).with_columns(
            *(pl.lit(value).alias(name) for name, value in place.items()),
            pl.lit(self.arrival["sequence"], dtype=pl.Int64).alias(SEQUENCE),
            pl.lit(value=True).alias(IS_NEW),
        )
        update_refusals(self.lake, said, previous=read_refusals(self.lake, self.ledger))

    def land(self, stamped: pl.DataFrame, *, good: int, merged: int, held_before: int) -> pl.DataFrame:
        """Land the records and count where the rows went.

        Args:
            stamped: One row per record or part that may land.
            good: Rows that are good now.
            merged: Of these, the rows that joined others.
            held_before: Records or parts the arrival had.

        Returns:
            The ledger with the counts moved.
        """
        own = self.arrival["arrival_id"]
        composition = self.composition
        if composition is None:
            counts = land(self.lake, self.table, stamped)
            gained = self.held().height - held_before
            landed, added = {**_others(counts.landed, own), own: gained}, counts.added
        else:
            order = [source.identity for source in self.sources]
            counts = land_parts(
                self.lake, composition, stamped, ledger=self.ledger, order=order, sources={self.arrival["source"]}
            )
            landed, added = counts.landed, counts.added
            gained = landed.get(own, 0) + added.get(own, 0)
        moves = {
            "landed": landed,
            "added": added,
            "merged": {own: merged},
            "replaced": {**_others(counts.replaced, own), own: good - gained - merged},
            "quarantined": {own: -good},
        }
        ledger = self.ledger
        for count, changes in moves.items():
            ledger = move_counts(ledger, count=count, changes=changes)
        return ledger


def _others(changes: Mapping[str, int], own: str) -> dict[str, int]:
    return {arrival: change for arrival, change in changes.items() if arrival != own}
