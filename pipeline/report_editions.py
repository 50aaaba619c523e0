"""The morning report as files: one in the community's language, and one for each further edition."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Concatenate, ParamSpec

from outputs.report.facts import ReportFacts
from outputs.report.page import render_report
from runtime.run_context import RunContext
from wording.language import Language, speaking

P = ParamSpec("P")


def write_reports(
    collect: Callable[Concatenate[RunContext, P], ReportFacts], run: RunContext, *given: P.args, **named: P.kwargs
) -> ReportFacts:
    """Write the report of a night in each of its languages, and return the facts of the community's own.

    Args:
        collect: Collects the facts; called once a language, as some of them are sentences.
        run: The run.
        given: What else it is called with.
        named: The same, by name.
    """

    def write(language: Language, path: Path) -> ReportFacts:
        with speaking(language):
            facts = collect(run, *given, **named)
            path.write_text(render_report(facts), encoding="utf-8")
        return facts

    community = run.settings.community.language
    own = write(community, run.workspace.report(run.as_of))
    for language in dict.fromkeys(edition.language for edition in run.settings.reports):
        if language != community:
            write(language, edition_path(run, language))
    return own


def edition_path(run: RunContext, language: Language) -> Path:
    """Return the file of a further edition: `reports/2011-08-31.zh.html`."""
    return run.workspace.report(run.as_of).with_suffix(f".{language}.html")
