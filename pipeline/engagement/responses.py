"""The response of each action: assumed at first, moved towards what was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engagement.actions import Action
from runtime.run_context import RunContext


def responses(run: RunContext, actions: Sequence[Action]) -> Mapping[str, float]:
    """Return action → share of what is at stake that a contact saves."""
    del run
    return {action.name: action.response for action in actions}
