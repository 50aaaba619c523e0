"""Replay of the quarantined rows of one arrival: valid rows land as if they had been valid from the beginning."""

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
    """One arrival whose quarantined rows are replayed.

    Args:
        lake: The lake, without anything that a killed run landed and did not record.
        table: The table that the arrival feeds.
        settings: The settings of its source.
        ledger: One row per arrival, with today's names of the sources.
        arrival: The arrival's row of the ledger.
        sources: The sources of the table.
    """

    lake: Lake
    table: Table
    settings: SourceSettings
    ledger: pl.DataFrame
    arrival: Mapping[str, Any]
    sources: Sequence[Source]

    @property
    def composition(self) -> Composition | None:
        """Return how the table's records are composed of parts; None where each row is a whole record."""
        return composition_of(self.lake, self.table, is_alone=len(self.sources) == 1, lines=self.settings.lines)

    def landed_rows(self) -> pl.DataFrame:
        """Return one row per record, or per part of a record, that the arrival has in the lake."""
        if self.composition is not None:
            parts = read_parts(self.lake, self.composition, self.ledger).select(list(self.table.landed_schema))
            return parts.filter(pl.col("arrival_id") == self.arrival["arrival_id"])
        landed = self.lake.scan_or_empty(self.table.name, self.table.landed_schema)
        return landed.filter(pl.col("arrival_id") == self.arrival["arrival_id"]).collect(engine="streaming")

    def with_references(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Translate references to tables with source-specific keys into the keys of the lake."""
        for column, referred in self.table.references.items():
            if column in rows.columns and referred != "members":
                names = reference_names(self.lake, TABLES[referred], self.ledger, [])
                rows = rows.with_columns(resolve(pl.col(column), names)) if names.height else rows
        return rows

    def without_conflicts(self, good: pl.DataFrame) -> pl.DataFrame:
        """Remove rows whose key another source has landed, unless the sources share their keys."""
        if self.table.name == "members" or self.settings.whose_keys == "shared":
            return good
        other_arrivals = self.ledger.filter(pl.col("table") == self.table.name, pl.col("source") != self.arrival["source"])
        landed = self.lake.scan_or_empty(self.table.name, self.table.landed_schema).select(self.table.key, "arrival_id")
        other_keys = landed.join(other_arrivals.select("arrival_id").lazy(), on="arrival_id", how="semi").select(self.table.key)
        return good.join(other_keys.collect(engine="streaming"), on=self.table.key, how="anti", maintain_order="left")

    def not_overtaken(self, records: pl.DataFrame) -> pl.DataFrame:
        """Remove records whose key a later arrival has landed: with valid rows, the later record would have replaced them.

        Of a snapshot that a newer one has superseded, nothing is left.
        """
        later_arrivals = self.ledger.filter(pl.col("table") == self.table.name, pl.col("sequence") > self.arrival["sequence"])
        if self.settings.mode == "snapshot" and (later_arrivals["source"] == self.arrival["source"]).any():
            return records.clear()
        landed = self.lake.scan_or_empty(self.table.name, self.table.landed_schema).select(self.table.key, "arrival_id")
        if self.composition is not None:
            # Parts of other sources or files do not replace this one, whatever their order.
            landed = read_parts(self.lake, self.composition, self.ledger).lazy().select(self.table.key, "arrival_id")
            later_arrivals = later_arrivals.filter(pl.col("source") == self.arrival["source"])
            if "source_file" in self.composition.part_of:
                later_arrivals = later_arrivals.filter(pl.col("path") == self.arrival["path"])
        newer_keys = landed.join(later_arrivals.select("arrival_id").lazy(), on="arrival_id", how="semi").select(self.table.key)
        return records.join(newer_keys.collect(engine="streaming"), on=self.table.key, how="anti")

    def record_consent(self, rows: pl.DataFrame, *, said_at: datetime) -> None:
        """Record the refusals in the rows. A consent is not recorded: a later arrival may have refused since.

        Args:
            rows: Mapped rows of members.
            said_at: The clock at replay.
        """
        arrival_columns = {"source": self.arrival["source"], "arrival_id": self.arrival["arrival_id"], "said_at": said_at}
        consent = statements(rows, only_refusals=True).with_columns(
            *(pl.lit(value).alias(name) for name, value in arrival_columns.items()),
            pl.lit(self.arrival["sequence"], dtype=pl.Int64).alias(SEQUENCE),
            pl.lit(value=True).alias(IS_NEW),
        )
        update_refusals(self.lake, consent, previous=read_refusals(self.lake, self.ledger))

    def land(self, stamped: pl.DataFrame, *, good: int, merged: int, held_before: int) -> pl.DataFrame:
        """Land the records and count where the rows went.

        Args:
            stamped: One row per record or part to land, with its provenance.
            good: The number of rows that are valid now.
            merged: How many of these rows were merged into another record.
            held_before: How many records or parts the arrival had in the lake before.

        Returns:
            The ledger with the counts moved.
        """
        own = self.arrival["arrival_id"]
        # Every row that is valid now leaves `quarantined` and must appear in exactly one other count of the arrival.
        composition = self.composition
        if composition is None:
            counts = land(self.lake, self.table, stamped)
            gained = self.landed_rows().height - held_before
            landed, added = {**_of_other_arrivals(counts.landed, own), own: gained}, counts.added
        else:
            order = [source.identity for source in self.sources]
            counts = land_parts(
                self.lake, composition, stamped, ledger=self.ledger, order=order, sources={self.arrival["source"]}
            )
            landed, added = counts.landed, counts.added
            gained = landed.get(own, 0) + added.get(own, 0)
        count_changes = {
            "landed": landed,
            "added": added,
            "merged": {own: merged},
            # Valid rows that are not in the lake afterwards lost against a later arrival, and count as replaced.
            "replaced": {**_of_other_arrivals(counts.replaced, own), own: good - gained - merged},
            "quarantined": {own: -good},
        }
        ledger = self.ledger
        for count, changes in count_changes.items():
            ledger = move_counts(ledger, count=count, changes=changes)
        return ledger


def _of_other_arrivals(changes: Mapping[str, int], own: str) -> dict[str, int]:
    return {arrival: change for arrival, change in changes.items() if arrival != own}
