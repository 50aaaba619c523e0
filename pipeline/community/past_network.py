"""The network of a past night, computed again from the rollup of ties with the consent of today."""

from __future__ import annotations

from typing import TYPE_CHECKING

from features.history import DAILY_SCHEMA, TIES_SCHEMA
from features.network.ties import weigh_ties
from lake.contracts import DAILY, TIES
from pipeline.community.network_window import network_policy
from pipeline.history.consent import consenting, numbers_not_profiled
from runtime.run_context import RunContext

if TYPE_CHECKING:
    from features.network.graph import Network


def read_network(run: RunContext) -> Network:
    """Return the network of a night, without members who may not be profiled; ties within rings are not discounted.

    Args:
        run: The run of the night.
    """
    from features.network.graph import Network

    lake = run.workspace.lake
    daily, ties = lake.scan_or_empty(DAILY, DAILY_SCHEMA), lake.scan_or_empty(TIES, TIES_SCHEMA)
    _, ties = consenting(daily, ties, not_profiled=numbers_not_profiled(lake))
    return Network.of(weigh_ties(ties, as_of=run.as_of, policy=network_policy(run)))
