"""The response of each action: assumed at first, moved towards what was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engagement.actions import Action
from engagement.gains import measured_response
from pipeline.engagement.effects import ActionEffect, LoopEffects, measure_effects
from runtime.run_context import RunContext


def responses(run: RunContext, actions: Sequence[Action]) -> Mapping[str, float]:
    """Return action → share of what is at stake that a contact saves, by what the nights before this one have recorded."""
    return responses_of(measure_effects(run, before=run.as_of), actions)


def responses_of(effects: LoopEffects, actions: Sequence[Action]) -> Mapping[str, float]:
    """Return action → share of what is at stake that a contact saves, by measured effects."""
    measured = {one.action: one for one in effects.actions}
    return {action.name: measured_response(action.response, _share_of_stake(measured.get(action.name))) for action in actions}


def _share_of_stake(measured: ActionEffect | None) -> dict[str, float] | None:
    """Return the effect on returning as a share of the churn that was predicted; None where it cannot be trusted yet."""
    if measured is None or not measured.on_returned.is_trustworthy or not measured.mean_score:
        return None
    effect, error = measured.on_returned.effect, measured.on_returned.standard_error
    if effect is None or error is None:
        return None
    return {"effect": effect / measured.mean_score, "standard_error": error / measured.mean_score}
