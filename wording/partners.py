"""What a comparison with another community says, line by line; counts and shares alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from wording.layout import cells, left, right
from wording.numbers import number, percent
from wording.texts import fill

_FITTING_SHOWN: Final = 3


def overlap_lines(
    *,
    ours: int,
    theirs: int,
    shared: int | None,
    cells: Iterable[Mapping[str, Any]],
    closest: Mapping[str, Any] | None,
    fewest: int,
) -> Iterator[str]:
    """Tell an overlap by hashes.

    Args:
        ours: Our members who may be compared.
        theirs: Theirs.
        shared: Those in both; None where it would give away a small count.
        cells: Rows by dimension and value: ours, shared, shared_share.
        closest: The row of which surely more is shared than of all; None where there is none.
        fewest: The smallest count that is shown.
    """
    yield fill("partners.sizes", ours=ours, theirs=theirs)
    if shared is None:
        yield fill("partners.small", fewest=fewest)
        return
    yield fill("partners.shared", shared=shared, of_ours=shared / ours, of_theirs=shared / theirs, new=1 - shared / theirs)
    yield from _table(
        ["ours", "both", "share"],
        [
            (row["dimension"], row["value"], number(row["ours"]), number(row["shared"]), percent(row["shared_share"]))
            for row in cells
        ],
    )
    if closest is not None:
        said = {name: closest[name] for name in ("dimension", "value")}
        yield fill("partners.closest", **said, share=closest["shared_share"], n=closest["ours"], of_all=shared / ours)


def counts_lines(rows: Iterable[Mapping[str, Any]], alike: Mapping[str, float]) -> Iterator[str]:
    """Tell a comparison of counts.

    Args:
        rows: Rows by dimension and value, what fits best first in each dimension: ours, theirs and their shares.
        alike: Dimension → how alike both are, 0 to 1.
    """
    compared = list(rows)
    if not any(row["ours"] and row["theirs"] for row in compared):
        yield fill("partners.nothing")
        return
    yield from _table(
        ["ours", "theirs"],
        [(row["dimension"], row["value"], *(_or_dash(row[side]) for side in ("ours", "theirs"))) for row in compared],
    )
    for dimension, share in alike.items():
        yield fill("partners.alike", dimension=dimension, share=share)
    fitting = [row for row in compared if row["dimension"] == "topic" and row["ours"] and row["theirs"]]
    for row in fitting[:_FITTING_SHOWN]:
        yield fill("partners.fits", **{name: row[name] for name in ("dimension", "value", "ours", "theirs")})


def _or_dash(count: int | None) -> str:
    return "-" if count is None else number(count)


def _table(numbers: Sequence[str], rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Write rows with columns of one width: the first two to the left, numbers to the right; nothing without rows."""
    listed = [("", "", *(fill(f"partners.head.{name}") for name in numbers)), *rows] if rows else []
    widths = [max(map(cells, column)) for column in zip(*listed, strict=True)]
    for row in listed:
        written = [
            left(cell, width) if place < 2 else right(cell, width)  # noqa: PLR2004 - dimension and value
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  " + "  ".join(written)
