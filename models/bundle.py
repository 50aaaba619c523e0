"""Models as text files: LightGBM's own format for trees and JSON for everything around them. Nothing is pickled.

Floats are written with as many digits as they have, so a model read back predicts the same bits.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from typing import Any, Final, Literal

from lake.errors import ConfigurationError
from models.baselines import OneSignal
from models.boosting import Trees
from models.calibration import LogitLine
from models.churn import ChurnModel
from models.config import PredictionSettings
from models.cutoffs import Split
from models.encoding import Encoding
from models.expected_spend import ExpectedSpend
from models.intervals import SpendInterval
from models.lifetime.beta_geometric import BetaGeometric
from models.lifetime.gamma_gamma import GammaGamma
from models.lifetime.lifetime import Lifetime
from models.lifetime.pareto import ParetoNBD
from models.lifetime.silence import Silence
from models.starting import ScaleFree
from models.uplift import TwoModels, UpliftModel
from models.value import ValueModel

# 2 since models are stored with the parameters of Pareto/NBD (decision 10).
FORMAT_VERSION: Final = 2
ABOUT_FILE: Final = "model.json"
TREES_FILE: Final = "model.lgb"
_PLAIN_FILE: Final = "plain.lgb"
_STARTING_FILE: Final = "starting.lgb"
_UPLIFT_FILES: Final = ("treated.lgb", "held_out.lgb", "effect.lgb")
_SPLIT_PARTS: Final = ("train", "calibrate", "test", "known")

Task = Literal["churn", "value"]
_Json = dict[str, Any]


def to_files(model: ChurnModel | ValueModel) -> dict[str, str]:
    """Write a model as file name → text: `model.json`, and `model.lgb` where it has trees."""
    return _churn_to_files(model) if isinstance(model, ChurnModel) else _value_to_files(model)


def from_files(files: Mapping[str, str]) -> ChurnModel | ValueModel:
    """Read a model back; it predicts bit for bit what the written one did.

    Raises:
        ConfigurationError: A file is missing or damaged, or written in a format this version does not know.
    """
    about = _read_about(files)
    try:
        return _churn_from(about, files) if about["task"] == "churn" else _value_from(about, files)
    # Settings that pydantic refuses raise a ValueError too.
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(f"{ABOUT_FILE} and the files beside it do not make a model ({type(error).__name__}: {error})") from error


def uplift_to_files(model: UpliftModel) -> dict[str, str]:
    """Write an uplift model as file name → text: `model.json` and the trees of its three parts."""
    about = {
        "format_version": FORMAT_VERSION,
        "task": "uplift",
        "settings": model.settings.model_dump(mode="json"),
        "encoding": _encoding_to_json(model.encoding),
        "mean": model.mean,
    }
    trees = (model.two_models.treated, model.two_models.held_out, model.effect)
    return {ABOUT_FILE: _dump(about)} | {name: one.text for name, one in zip(_UPLIFT_FILES, trees, strict=True)}


def uplift_from_files(files: Mapping[str, str]) -> UpliftModel:
    """Read an uplift model back; it predicts bit for bit what the written one did.

    Raises:
        ConfigurationError: A file is missing or damaged, or written in a format this version does not know.
    """
    about = _read_about(files)
    try:
        settings = PredictionSettings(**about["settings"])
        treated, held_out, effect = (_trees_from(files, name, about["encoding"], settings) for name in _UPLIFT_FILES)
        return UpliftModel(settings, TwoModels(treated, held_out), effect, about["mean"])
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(f"{ABOUT_FILE} does not make a model ({type(error).__name__}: {error})") from error


def files_hash(files: Mapping[str, str]) -> str:
    """Hash the text files of a model, so that a later reader can check that they are unchanged."""
    return hashlib.sha256(json.dumps(dict(files), sort_keys=True).encode()).hexdigest()


def is_current_format(files: Mapping[str, str]) -> bool:
    """Return whether the files have the format this version writes.

    True for damaged files too, so that reading them raises an error that says what is damaged.
    """
    try:
        about = json.loads(files.get(ABOUT_FILE, "{}"))
    except json.JSONDecodeError:
        return True
    return not isinstance(about, dict) or about.get("format_version", FORMAT_VERSION) == FORMAT_VERSION


def _churn_to_files(model: ChurnModel) -> dict[str, str]:
    about = _common(model, "churn") | {
        "calibration": asdict(model.calibration),
        "recency": None if model.recency is None else asdict(model.recency),
        "silence": None if model.silence is None else asdict(model.silence),
        "encoding": None if model.trees is None else _encoding_to_json(model.trees.encoding),
        "starting": None if model.starting is None else _encoding_to_json(model.starting.encoding),
        "starting_share": model.starting_share,
    }
    trees = {} if model.trees is None else {TREES_FILE: model.trees.text}
    starting = {} if model.starting is None else {_STARTING_FILE: model.starting.text}
    return {ABOUT_FILE: _dump(about)} | trees | starting


def _value_to_files(model: ValueModel) -> dict[str, str]:
    expected = model.expected
    levels = {"level": model.level, "level_of_buyers": model.level_of_buyers}
    interval = {"interval": None if model.interval is None else asdict(model.interval)}
    about = _common(model, "value") | levels | interval | {"expected": None, "encoding": None}
    if expected is None:
        return {ABOUT_FILE: _dump(about)}
    about["expected"] = {
        "cap_minor": expected.cap_minor,
        "floor_minor": expected.floor_minor,
        "start": expected.start,
        "lifetime": None if expected.lifetime is None else asdict(expected.lifetime),
    }
    about["encoding"] = _encoding_to_json(expected.trees.encoding)
    plain = {} if expected.plain is None else {_PLAIN_FILE: expected.plain.text}
    return {ABOUT_FILE: _dump(about), TREES_FILE: expected.trees.text, **plain}


def _common(model: ChurnModel | ValueModel, task: Task) -> _Json:
    split = model.split
    return {
        "format_version": FORMAT_VERSION,
        "task": task,
        "kind": model.kind,
        "why": model.why,
        "split": {
            "horizon_days": split.horizon_days,
            **{part: [cutoff.isoformat() for cutoff in getattr(split, part)] for part in _SPLIT_PARTS},
            "missing": list(split.missing),
            "why": split.why,
        },
        "settings": model.settings.model_dump(mode="json"),
        "metrics": {name: dict(metrics) for name, metrics in model.metrics.items()},
        "curves": {name: dict(points) for name, points in model.curves.items()},
    }


def _churn_from(about: _Json, files: Mapping[str, str]) -> ChurnModel:
    settings, recency = PredictionSettings(**about["settings"]), about["recency"]
    return ChurnModel(
        kind=about["kind"],
        why=about["why"],
        split=_split_from(about["split"]),
        settings=settings,
        calibration=LogitLine(**about["calibration"]),
        trees=None if about["encoding"] is None else _trees_from(files, TREES_FILE, about["encoding"], settings),
        recency=None if recency is None else OneSignal(**recency | {"line": LogitLine(**recency["line"])}),
        silence=None if about["silence"] is None else _silence_from(about["silence"]),
        # Models stored by earlier releases know of no starting model.
        starting=_trees_from(files, _STARTING_FILE, about["starting"], settings) if about.get("starting") else None,
        starting_share=about.get("starting_share", 0.0),
        metrics=about["metrics"],
        # Models stored by earlier releases have no curves.
        curves=about.get("curves", {}),
    )


def _value_from(about: _Json, files: Mapping[str, str]) -> ValueModel:
    settings, split = PredictionSettings(**about["settings"]), _split_from(about["split"])
    expected, levels = None, (about["level"], about["level_of_buyers"])
    if about["expected"] is not None:
        stored = about["expected"]
        expected = ExpectedSpend(
            trees=_trees_from(files, TREES_FILE, about["encoding"], settings),
            lifetime=None if stored["lifetime"] is None else _lifetime_from(stored["lifetime"]),
            cap_minor=stored["cap_minor"],
            floor_minor=stored["floor_minor"],
            horizon_days=split.horizon_days,
            # Models stored by earlier releases have one set of trees, which starts from buy-till-you-die.
            start=stored.get("start", "lifetime"),
            plain=_trees_from(files, _PLAIN_FILE, about["encoding"], settings) if _PLAIN_FILE in files else None,
        )
    curves, interval = about.get("curves", {}), about.get("interval")
    ranges = None if interval is None else SpendInterval(*(tuple(interval[name]) for name in ("predicted_minor", "low", "high")))
    return ValueModel(about["kind"], about["why"], split, settings, *levels, expected, about["metrics"], curves, ranges)


def _silence_from(stored: _Json) -> Silence:
    return Silence(_lifetime_from(stored["lifetime"]), LogitLine(**stored["line"]), stored["never_bought"])


def _lifetime_from(stored: _Json) -> Lifetime:
    make = ParetoNBD if stored["kind"] == "pareto_nbd" else BetaGeometric
    return Lifetime(stored["kind"], stored["horizon_days"], make(**stored["purchases"]), GammaGamma(**stored["value"]))


def _split_from(stored: _Json) -> Split:
    parts = {part: tuple(date.fromisoformat(day) for day in stored[part]) for part in _SPLIT_PARTS}
    return Split(horizon_days=stored["horizon_days"], missing=tuple(stored["missing"]), why=stored["why"], **parts)


def _trees_from(files: Mapping[str, str], name: str, encoding: _Json, settings: PredictionSettings) -> Trees:
    if name not in files:
        raise _damaged(f"{name} is missing beside {ABOUT_FILE}")
    features = tuple(encoding["features"])
    categories = {feature: tuple(values) for feature, values in encoding["categories"].items()}
    layout = Encoding(features, categories)
    if "quantiles" in encoding:
        quantiles = {feature: tuple(values) for feature, values in encoding["quantiles"].items()}
        layout = ScaleFree(features, categories, encoding["horizon_days"], quantiles)
    return Trees(files[name], layout, settings.num_threads)


def _encoding_to_json(encoding: Encoding) -> _Json:
    laid_out: _Json = {
        "features": list(encoding.features),
        "categories": {name: list(values) for name, values in encoding.categories.items()},
    }
    if isinstance(encoding, ScaleFree):
        quantiles = {name: list(values) for name, values in encoding.quantiles.items()}
        laid_out |= {"horizon_days": encoding.horizon_days, "quantiles": quantiles}
    return laid_out


def _read_about(files: Mapping[str, str]) -> _Json:
    if ABOUT_FILE not in files:
        raise _damaged(f"{ABOUT_FILE} is missing; the files given are {sorted(files)}")
    try:
        about = json.loads(files[ABOUT_FILE])
    except json.JSONDecodeError as error:
        raise _damaged(f"{ABOUT_FILE} is not JSON ({error})") from error
    if not isinstance(about, dict) or "format_version" not in about:
        raise _damaged(f"{ABOUT_FILE} states no format_version")
    if about["format_version"] != FORMAT_VERSION:
        raise ConfigurationError(
            f"The model is written in format {about['format_version']!r}; this Evenfall reads format {FORMAT_VERSION}.",
            remedy="Use the version of Evenfall that wrote it, or train anew with `evenfall train`.",
        )
    return about


def _damaged(what: str) -> ConfigurationError:
    return ConfigurationError(f"The stored model cannot be read: {what}.", remedy="Train anew with `evenfall train`.")


def _dump(about: _Json) -> str:
    # Sorted keys: the same model is the same text. JSON has no NaN, so one raises here and not when the model is read.
    return json.dumps(about, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"
