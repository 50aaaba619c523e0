"""What all tests share: PostgreSQL, a Prefect server, empty MLflow stores, and a closing word on what could not run here."""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import Phase, settings

from tests.explored import explored, workspace_here
from tests.nights import begun, first_night, run, shop
from tests.planted_community import planted_night
from tests.postgres import postgres_url
from tests.prefect_server import prefect_server
from tests.stores import lent_stores

__all__ = [
    "begun", "explored", "first_night", "lent_stores", "planted_night", "postgres_url", "prefect_server", "run", "shop",
    "workspace_here",
]  # fmt: skip

# The same tree gives the same result on every machine; `make soak` goes looking for what nobody has seen yet, and longer.
settings.register_profile("repeatable", derandomize=True, deadline=None, print_blob=True, max_examples=40)
# For `make mutants`: whether a test fails is all that is asked, not the smallest example of it.
settings.register_profile("noticing", derandomize=True, deadline=None, phases=[Phase.explicit, Phase.generate])
settings.register_profile("exploring", deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))
# A search takes a minute per training; the tests of the search ask for it.
os.environ.setdefault("EVENFALL_PREDICTION__SEARCH_BUDGET", "0")


# Those who look at one community that costs minutes to make.
_TOGETHER = {
    "explorers": (
        "pipeline/test_maturity",
        "pipeline/query/test_query",
        "pipeline/learning/test_model_card",
        "flows/test_pages_in_a_browser",
        "notebooks/test_notebooks",
        "notebooks/test_notebooks_in_a_browser",
        "door/test_door_in_a_browser",
        "pipeline/app/test_member_rows",
    ),
    "planted": ("pipeline/community/test_planted", "pipeline/community/test_network", "pipeline/community/test_map",
                "notebooks/test_network_page", "flows/test_languages"),
}  # fmt: skip
_GROUP_OF = {f"tests/{name}.py": group for group, names in _TOGETHER.items() for name in names}
# Files whose tests share nothing, and take so long that no process should have to take all of them.
_EACH_ALONE = {"tests/examples/test_examples.py"}
# What takes longest is begun first, so that no process stands idle at the end.
_LONGEST_FIRST = (
    "explorers",
    "planted",
    "tests/examples/test_examples.py",
    *(
        f"tests/{name}.py"
        for name in (
            "flows/test_nightly", "pipeline/intake/test_bad_input", "pipeline/erasure/test_erase", "flows/test_deployments",
            "flows/test_leakage", "chaos/test_crashes", "flows/test_backtest", "pipeline/learning/test_champions",
            "pipeline/test_verification", "expectations/test_against_plain_python", "chaos/test_servers",
            "features/incremental/test_totals", "flows/scale/test_scale", "flows/test_requests", "flows/test_object_storage",
            "runtime/test_signals", "expectations/test_client", "flows/scale/test_lost_scheduler", "chaos/test_security",
        )
    ),
)  # fmt: skip


def _shared_by(nodeid: str) -> str:
    """What the tests are called that must be in one process with a test, so that what they share is made once."""
    file = nodeid.split("::", 1)[0]
    return _GROUP_OF.get(file, file)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest first; the order is otherwise that of the files."""
    places = {name: place for place, name in enumerate(_LONGEST_FIRST)}
    items.sort(key=lambda item: places.get(_shared_by(item.nodeid), len(places)))


# Not xdist's loadgroup: it names groups in an attribute that this pytest does not read ids from.
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep the tests of a file in one process, so that what they share is made once."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            shared = _shared_by(nodeid)
            return nodeid if shared in _EACH_ALONE else shared

    return ByFile(config, log)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say, in a line each, what tests counted, and which groups of tests this machine could not run and why."""
    for report in terminalreporter.stats.get("passed", []):
        for name, value in report.user_properties:
            terminalreporter.write_line(f"{name}: {value}")
    reasons: dict[str, int] = {}
    for report in terminalreporter.stats.get("skipped", []):
        reason = report.longrepr[2].removeprefix("Skipped: ") if isinstance(report.longrepr, tuple) else str(report.longrepr)
        reasons[reason] = reasons.get(reason, 0) + 1
    for reason, count in sorted(reasons.items()):
        terminalreporter.write_line(f"not run: {count} tests: {reason}")
