"""Curves of a training as figures for the MLflow UI."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl
    from matplotlib.figure import Figure

_INK: Final = "#1f3a5f"
_QUIET: Final = "#9aa5b1"
_MOST_FEATURES: Final = 25
# Shares of the figure, wide enough for the labels of every curve.
_MARGINS: Final[dict[str, float]] = {"left": 0.12, "right": 0.97, "bottom": 0.12, "top": 0.93}


def training_figures(curves: Mapping[str, pl.DataFrame], importance: pl.DataFrame, *, title: str) -> dict[str, Figure]:
    """Draw the curves and importances of a training; returns file name → figure.

    Args:
        curves: Name → points, as `models.training` gives them, those of a population as `still_here_roc`; empty frames are left
            out.
        importance: One row per feature: feature, gain_share.
        title: What was trained, for which night.
    """
    figures: dict[str, Figure] = {}
    for population in ("still_here", "gone", ""):
        prefix = f"{population}_" if population else ""
        points = {name.removeprefix(prefix): frame for name, frame in curves.items() if name.startswith(prefix) and frame.height}
        of = f"{population.replace('_', ' ')}, {title}" if population else title
        figures |= {f"{prefix}{name}.png": figure for name, figure in _curves(points, of).items()}
    if importance.height:
        figures["feature_importance.png"] = _importance(importance.head(_MOST_FEATURES), f"Feature importance · {title}")
    return figures


def _curves(points: Mapping[str, pl.DataFrame], title: str) -> dict[str, Figure]:
    """Draw the curves of everybody, or of one population; returns curve → figure."""
    figures: dict[str, Figure] = {}
    if "roc" in points:
        figures["roc"] = _curve(points["roc"], "false_positive_rate", "true_positive_rate", f"ROC · {title}", diagonal=True)
    if "precision_recall" in points:
        figures["precision_recall"] = _curve(points["precision_recall"], "recall", "precision", f"Precision and recall · {title}")
    if "calibration" in points:
        figures["calibration"] = _curve(
            points["calibration"], "mean_probability", "churn_rate", f"Calibration · {title}", diagonal=True, marker="o"
        )
    ranked = points.get("lift", points.get("gain"))
    if ranked is not None and ranked["lift"].null_count() == 0:
        figures["lift"] = _bars(ranked, f"Lift by tenth of members · {title}")
        figures["gain"] = _curve(ranked, "share_of_members", "gain", f"Gain · {title}", diagonal=True, marker="o")
    return figures


def _axes(title: str, *, height: float = 4.5, margins: dict[str, float] | None = _MARGINS) -> tuple[Figure, Any]:
    """Return a new figure and its axes; without margins matplotlib finds them, by drawing the figure twice."""
    # The object-oriented interface needs no display and keeps no global state.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, height), layout="constrained" if margins is None else None)
    axes = figure.subplots(gridspec_kw=margins)
    axes.set_title(title, fontsize=10, loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color=_QUIET, alpha=0.25, linewidth=0.6)
    return figure, axes


def _curve(points: pl.DataFrame, x: str, y: str, title: str, *, diagonal: bool = False, marker: str = "") -> Figure:
    figure, axes = _axes(title)
    if diagonal:
        axes.plot([0, 1], [0, 1], color=_QUIET, linewidth=1, linestyle="--")
    axes.plot(points[x].to_numpy(), points[y].to_numpy(), color=_INK, linewidth=1.8, marker=marker, markersize=4)
    axes.set_xlabel(x.replace("_", " "))
    axes.set_ylabel(y.replace("_", " "))
    axes.set_xlim(0, 1)
    axes.set_ylim(bottom=0)
    return figure


def _bars(points: pl.DataFrame, title: str) -> Figure:
    figure, axes = _axes(title)
    axes.axhline(1, color=_QUIET, linewidth=1, linestyle="--")
    axes.bar(points["bin"].to_numpy(), points["lift"].to_numpy(), color=_INK, width=0.7)
    axes.set_xlabel("tenth of members, highest prediction first")
    axes.set_ylabel("times everyone's mean")
    return figure


def _importance(importance: pl.DataFrame, title: str) -> Figure:
    # Its labels are the names of features, as long as they may be.
    figure, axes = _axes(title, height=1.2 + 0.22 * importance.height, margins=None)
    axes.barh(importance["feature"].to_list()[::-1], importance["gain_share"].to_list()[::-1], color=_INK, height=0.7)
    axes.set_xlabel("share of gain")
    axes.tick_params(axis="y", labelsize=7)
    return figure
