"""The communities of the benchmark: the examples, and simulated ones with a seed each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

EXAMPLES: Final = Path(__file__).resolve().parents[2] / "examples"
SIMULATED_MEMBERS: Final = 3_000
# Long enough for ten cut-offs to test and a year of them to learn from.
SIMULATED_DAYS: Final = 760
# All of it is over wherever this runs: a night is never in the future.
SIMULATED_FIRST_DAY: Final = date(2023, 1, 1)


@dataclass(frozen=True)
class Community:
    """A community whose past is predicted.

    Args:
        name: What tables and files call it.
        title: What the page calls it.
        horizons: Days of the label windows it is measured at.
        folder: The example's folder; None where it is simulated.
        seed: Seed of the simulation; None for an example.
    """

    name: str
    title: str
    horizons: tuple[int, ...]
    folder: Path | None = None
    seed: int | None = None

    @property
    def family(self) -> str:
        """Its name, for simulated ones that of all of them: communities of one family are alike."""
        return self.name if self.seed is None else "simulated"

    @property
    def is_here(self) -> bool:
        """Whether its data can be read on this machine; a simulation always can."""
        return self.folder is None or (self.folder / "data").is_dir()


def _example(name: str, title: str, *horizons: int, folder: str) -> Community:
    return Community(name, title, horizons, folder=EXAMPLES / folder)


def _simulated(seed: int) -> Community:
    return Community(f"simulated-{seed}", f"Simulated, seed {seed}", (28,), seed=seed)


COMMUNITIES: Final[Mapping[str, Community]] = {
    community.name: community
    for community in (
        _example("cdnow", "CDNOW", 91, folder="cdnow"),
        _example("beer", "Beer, Wine & Spirits Stack Exchange", 90, folder="stack-exchange-beer"),
        _example("retail", "Online Retail II", 28, 90, 180, folder="online-retail-ii"),
        _example("homebrew", "Homebrew", 28, 90, folder="git-communities/homebrew"),
        _example("numpy", "NumPy", 28, 90, folder="git-communities/numpy"),
        _example("fastlane", "fastlane", 28, 90, folder="git-communities/fastlane"),
        *(_simulated(seed) for seed in (1, 2, 3)),
    )
}
