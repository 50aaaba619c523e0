"""`evenfall partners`: compare our members with another community's, by keyed hashes or by counts."""

from __future__ import annotations

from pathlib import Path

import click

from flows.cli.workspace import known_workspace, workspace_option

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.argument("name", required=False)
@workspace_option
@click.option("--as-of", metavar="YYYY-MM-DD", help="The night.  [default: the newest that made lists]")
@click.option("--export", type=_FILE, help="Write the keyed hashes of our members who agreed there, for the other community.")
@click.option("--counts", type=_FILE, help="Write our counts by platform, region and topic there instead.")
@click.option("--with", "theirs", type=_FILE, help="Compare with their file: hashes or counts. Needs NAME.")
def partners(
    *, name: str | None, workspace: Path, as_of: str | None, export: Path | None, counts: Path | None, theirs: Path | None
) -> None:
    """Compare with another community: who is in both, and what fits, in counts of ten or more.

    NAME is what the other community is called in the file that is written to reports/.
    """
    if sum(file is not None for file in (export, counts, theirs)) != 1:
        raise click.UsageError("Choose one of --export, --counts and --with.")
    if (theirs is None) != (name is None):
        raise click.UsageError("NAME goes with --with, and --with needs it.")
    run = known_workspace(workspace, as_of, writes=theirs is not None, needs_data=True)
    from community.partners import Overlap, alike, closest
    from community.small_cells import FEWEST_IN_A_CELL
    from pipeline.community.partner_exchange import compare, export_counts, export_hashes, newest_night
    from wording.partners import counts_lines, overlap_lines
    from wording.texts import fill

    run = run if as_of is not None else newest_night(run)
    if export is not None:
        click.echo(fill("partners.exported", n=export_hashes(run, export), file=export))
    elif counts is not None:
        click.echo(fill("partners.counted", n=export_counts(run, counts), file=counts, fewest=FEWEST_IN_A_CELL))
    elif theirs is not None and name is not None:
        result, written = compare(run, name, theirs)
        if isinstance(result, Overlap):
            lines = overlap_lines(
                ours=result.ours,
                theirs=result.theirs,
                shared=result.shared,
                cells=result.cells.iter_rows(named=True),
                closest=closest(result),
                fewest=FEWEST_IN_A_CELL,
            )
        else:
            lines = counts_lines(result.iter_rows(named=True), alike(result))
        for line in (*lines, fill("partners.written", file=written)):
            click.echo(line)
