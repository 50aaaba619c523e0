"""Hillstrom's e-mail experiment: 64,000 customers, two campaigns against none; read where it lies, never committed.

`python -m tests.hillstrom` prints the figures of `docs/experiments.md`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, pstdev

import numpy as np
import polars as pl

from models.config import PredictionSettings
from models.gate import GatePolicy
from models.panel import Floats
from models.qini import Randomised, UpliftDecision, qini, uplift_decision
from models.uplift import UpliftModel, fit_uplift

FILE = Path(os.environ.get("EVENFALL_HILLSTROM", "")) / "hillstrom_data.csv"
WOMENS, MENS = "Womens E-Mail", "Mens E-Mail"
_FEATURES = ("recency", "history", "mens", "womens", "zip_code", "newbie", "channel")
_SETTINGS = PredictionSettings()
_SPLITS = 8


@dataclass(frozen=True)
class Halves:
    """Uplift learnt on one half of the customers, and the other half.

    Args:
        model: What was learnt.
        features: The features of the half that was not learnt from.
        units: What came of it.
    """

    model: UpliftModel
    features: pl.DataFrame
    units: Randomised

    @property
    def uplift(self) -> Floats:
        """The uplift predicted for the half that was not learnt from."""
        return self.model.predict(self.features).to_numpy()

    @property
    def risk(self) -> Floats:
        """The probability of not coming by oneself: what a ranking by churn goes by."""
        return 1 - self.model.two_models.probabilities(self.model.encoding.matrix(self.features))[1]

    def decide(self, champion: Floats) -> UpliftDecision:
        """Let the gate decide between uplift and another ranking."""
        return uplift_decision(self.units, uplift=self.uplift, champion=champion, policy=GatePolicy(), seed=1)


def customers(campaign: str) -> tuple[pl.DataFrame, Randomised]:
    """Return the features of those who got a campaign or none, and whether they came within two weeks."""
    read = pl.read_csv(FILE, infer_schema_length=None).filter(pl.col("segment").is_in([campaign, "No E-Mail"]))
    is_treated = (read["segment"] == campaign).to_numpy()
    units = Randomised(read["visit"].cast(pl.Float64).to_numpy(), is_treated, np.full(read.height, 0.5))
    return read.select(_FEATURES), units


def halves(campaign: str, *, seed: int, held_out_share: float = 0.5, learn_from: int | None = None) -> Halves:
    """Learn uplift on a random half of the customers and keep the other half to judge it on.

    Args:
        campaign: The campaign.
        seed: Seed of the halves.
        held_out_share: Share of those learnt from who are left alone; a part of them is left out for that.
        learn_from: The number of those learnt from; all of the half by default.
    """
    features, units = customers(campaign)
    random = np.random.default_rng(seed)
    is_learnt = random.random(features.height) < 0.5
    keep = held_out_share / (1 - held_out_share)
    learnt = is_learnt & (units.is_treated | (random.random(features.height) < keep))
    if learn_from is not None:
        learnt &= random.random(features.height) < learn_from / learnt.sum()
    chosen = units.where(learnt)
    chosen = Randomised(chosen.outcome, chosen.is_treated, np.full(chosen.outcome.size, 1 - held_out_share))
    model = fit_uplift(features.filter(pl.Series(learnt)), chosen, _SETTINGS)
    return Halves(model, features.filter(pl.Series(~is_learnt)), units.where(~is_learnt))


def main() -> None:
    """Print the Qini of uplift and of risk on halves that were not learnt from, and what the gate says of the first of them."""
    for campaign in (WOMENS, MENS):
        for held_out_share, learn_from in ((0.5, None), (0.1, None), (0.1, 2_000)):
            many = [halves(campaign, seed=s, held_out_share=held_out_share, learn_from=learn_from) for s in range(_SPLITS)]
            said = {
                "uplift": [qini(one.units, one.uplift) for one in many],
                "risk": [qini(one.units, one.risk) for one in many],
            }
            print(f"{campaign}, {held_out_share:.0%} held out, learnt from {learn_from or 'all'}")
            for name, figures in said.items():
                print(f"  Qini of {name} {mean(figures):+.4f} ± {pstdev(figures):.4f}")
            for name, decisions in (
                ("random order", [one.decide(np.zeros(one.units.outcome.size)) for one in many]),
                ("risk", [one.decide(one.risk) for one in many]),
            ):
                first = decisions[0]
                print(f"  against {name}: lead of the first {first.low:+.4f} to {first.high:+.4f}, {first.reason};", end=" ")
                print(f"accepted {sum(one.accepted for one in decisions)} of {len(decisions)}")


if __name__ == "__main__":
    main()
