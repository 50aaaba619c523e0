"""MLflow: experiments, the registry of models, and one run per training and per night.

The only module that imports mlflow, and it does so inside functions: the import costs seconds.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from flows.serving import read_bundle
from lake.errors import OutsideServiceError
from models.bundle import from_files

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

CHAMPION: Final = "champion"
NIGHTS: Final = "nights"
BACKTESTS: Final = "backtests"
_EXPERIMENT_KIND: Final = "custom_model_development"
_PROMOTED: Final = "promoted."
_DECISION: Final = "decision"
_BUNDLE: Final = "data/bundle"
_SIGNATURE_ROWS: Final = 5


@dataclass(frozen=True)
class TrainingRecord:
    """Everything about one training that analysts will want to see.

    Args:
        experiment: `churn` or `value`; also the name of the registered model.
        as_of: The night it was trained for.
        parameters: Settings and cut-offs.
        metrics: Model name → metric → value; `evenfall` and the baselines.
        figures: File name → figure.
        tables: File name → frame, logged as CSV.
        files: The model as text files.
        panel: What it was trained on; only its shape, column names and a digest are recorded.
        features: The columns that are features, for the signature.
        summary: What came out, in a sentence or two.
        tags: Versions of data and code.
    """

    experiment: str
    as_of: date
    parameters: Mapping[str, Any]
    metrics: Mapping[str, Mapping[str, float | None]]
    files: Mapping[str, str]
    panel: pl.DataFrame
    features: tuple[str, ...]
    summary: str
    figures: Mapping[str, Figure] = field(default_factory=dict)
    tables: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RegisteredModel:
    """One version in the registry.

    Args:
        name: `churn` or `value`.
        version: Its number.
        trained_as_of: The night it was trained for.
        files: The model as text files.
    """

    name: str
    version: int
    trained_as_of: date
    files: Mapping[str, str]

    @property
    def label(self) -> str:
        """How lists and reports call it."""
        return f"{self.name}/{self.version}"


@dataclass(frozen=True)
class Tracking:
    """Where a workspace's runs and models are kept.

    Args:
        root: The workspace.
        uri: The address of the tracking store.
    """

    root: Path
    uri: str

    @classmethod
    def of(cls, root: Path) -> Tracking:
        """The workspace's own SQLite file, unless `MLFLOW_TRACKING_URI` names another store."""
        return cls(root, os.environ.get("MLFLOW_TRACKING_URI") or _own_uri(root))

    @property
    def is_own(self) -> bool:
        """Whether the store is the workspace's own file."""
        return self.uri == _own_uri(self.root)

    def prepare(self) -> None:
        """Create the store and the experiments once, and close runs that a killed process left running.

        Raises:
            OutsideServiceError: The tracking server does not answer.
        """
        with self._client() as client:
            ids = [self._experiment_id(client, name) for name in ("churn", "value", NIGHTS, BACKTESTS)]
            for run in client.search_runs(ids, filter_string="attributes.status = 'RUNNING'"):
                client.set_terminated(run.info.run_id, status="KILLED")

    def log_training(self, record: TrainingRecord) -> RegisteredModel:
        """Log a training as one run and register its model as a new version, without an alias.

        Raises:
            OutsideServiceError: The tracking server failed.
        """
        import mlflow

        with self._client() as client:
            run = mlflow.start_run(
                experiment_id=self._experiment_id(client, record.experiment),
                run_name=f"{record.experiment} {record.as_of.isoformat()}",
                description=record.summary,
                tags={**record.tags, "as_of": record.as_of.isoformat()},
            )
            with run:
                mlflow.log_input(_dataset(record), context="training")
                mlflow.log_params({key: str(value) for key, value in record.parameters.items()})
                mlflow.log_metrics(_flat(record.metrics))
                for name, figure in record.figures.items():
                    mlflow.log_figure(figure, f"figures/{name}")
                for name, table in record.tables.items():
                    mlflow.log_text(table.write_csv(), f"tables/{name}")
                version = self._log_model(client, record, run.info.run_id)
            client.set_model_version_tag(record.experiment, str(version), "as_of", record.as_of.isoformat())
            client.set_model_version_tag(record.experiment, str(version), "fingerprint", record.tags.get("fingerprint", ""))
        return RegisteredModel(record.experiment, version, record.as_of, dict(record.files))

    def promote(self, model: RegisteredModel, *, as_of: date, reason: str) -> None:
        """Make a version the champion from a night on, and say why.

        Promotions are numbered and never taken back: which model scored a past night stays known after a roll-back.

        Raises:
            OutsideServiceError: The tracking server failed.
        """
        with self._client() as client:
            number = max((number for _, number, _ in _promotions(client, model.name)), default=0) + 1
            client.set_model_version_tag(model.name, str(model.version), f"{_PROMOTED}{number:04}", as_of.isoformat())
            client.set_model_version_tag(model.name, str(model.version), _DECISION, f"promoted: {reason}")
            client.set_registered_model_alias(model.name, CHAMPION, str(model.version))

    def turn_down(self, model: RegisteredModel, *, reason: str) -> None:
        """Note why a challenger did not become champion.

        Raises:
            OutsideServiceError: The tracking server failed.
        """
        with self._client() as client:
            client.set_model_version_tag(model.name, str(model.version), _DECISION, f"turned down: {reason}")

    def decision(self, model: RegisteredModel) -> str | None:
        """What was decided about a version, or None before the gate has seen it."""
        with self._client() as client:
            decided: str | None = client.get_model_version(model.name, str(model.version)).tags.get(_DECISION)
            return decided

    def newest_training(self, name: str, *, as_of: date) -> date | None:
        """The newest night up to `as_of` for which a model was trained and decided on, promoted or not.

        Raises:
            OutsideServiceError: The tracking server failed.
        """
        with self._client() as client:
            versions = client.search_model_versions(f"name = '{name}'")
            nights = [date.fromisoformat(version.tags["as_of"]) for version in versions if _DECISION in version.tags]
            return max((night for night in nights if night <= as_of), default=None)

    def champion(self, name: str, *, as_of: date) -> RegisteredModel | None:
        """The champion of a night: the newest version promoted on that night or before.

        A past night is thus scored with what was known then, however often it is run again.

        Raises:
            OutsideServiceError: The tracking server failed.
        """
        with self._client() as client:
            promotions = [found for found in _promotions(client, name) if found[0] <= as_of]
            return self._registered(max(promotions, key=lambda found: found[:2])[2]) if promotions else None

    def champion_before(self, current: RegisteredModel, *, as_of: date) -> RegisteredModel | None:
        """The champion that a champion took over from, to roll back to.

        Raises:
            OutsideServiceError: The tracking server failed.
        """
        with self._client() as client:
            earlier = [
                found
                for found in _promotions(client, current.name)
                if found[0] <= as_of and int(found[2].version) != current.version
            ]
            return self._registered(max(earlier, key=lambda found: found[:2])[2]) if earlier else None

    def find(self, name: str, *, as_of: date, fingerprint: str) -> RegisteredModel | None:
        """A version trained for a night from exactly these data, settings and code, if there is one.

        Raises:
            OutsideServiceError: The tracking server failed.
        """
        with self._client() as client:
            versions = client.search_model_versions(f"name = '{name}'")
            numbers = [int(version.version) for version in versions if version.tags.get("fingerprint") == fingerprint]
            return RegisteredModel(name, min(numbers), as_of, self._files(name, min(numbers))) if numbers else None

    def log_night(self, *, as_of: date, metrics: Mapping[str, float], tags: Mapping[str, str], summary: str) -> None:
        """Log one night of scoring: counts, timings and the morning's summary.

        Raises:
            OutsideServiceError: The tracking server failed.
        """
        import mlflow

        with self._client() as client:
            night = mlflow.start_run(
                experiment_id=self._experiment_id(client, NIGHTS),
                run_name=f"night {as_of.isoformat()}",
                tags={**tags, "as_of": as_of.isoformat()},
            )
            with night:
                mlflow.log_metrics(dict(metrics))
                mlflow.log_text(summary, "summary.md")

    def log_backtest(self, *, as_of: date, results: Mapping[str, Any], page: str, tags: Mapping[str, str]) -> None:
        """Log a backtest: a parent run with the means and the page, and a child run per cut-off.

        Raises:
            OutsideServiceError: The tracking server failed.
        """
        import mlflow

        with self._client() as client:
            experiment_id = self._experiment_id(client, BACKTESTS)
            name = f"backtest {as_of.isoformat()}"
            with mlflow.start_run(experiment_id=experiment_id, run_name=name, tags={**tags, "as_of": as_of.isoformat()}):
                for purpose, summary in results["summary"].items():
                    mlflow.log_metrics({f"{purpose}.{key}": value for key, value in _flat(summary["mean"]).items()})
                mlflow.log_dict(dict(results), "backtest.json")
                mlflow.log_text(page, "backtest.html")
                for cutoff in results["cutoffs"]:
                    with mlflow.start_run(
                        experiment_id=experiment_id,
                        run_name=f"cut-off {cutoff['as_of']}",
                        nested=True,
                        tags={"as_of": cutoff["as_of"]},
                    ):
                        for purpose in ("churn", "value"):
                            mlflow.log_metrics({f"{purpose}.{key}": value for key, value in _flat(cutoff[purpose]).items()})

    def _log_model(self, client: MlflowClient, record: TrainingRecord, run_id: str) -> int:
        import mlflow
        from mlflow.models import infer_signature

        few = record.panel.select(record.features).head(_SIGNATURE_ROWS)
        # Numbers are declared as floats: a count that is missing for one member would not fit an integer.
        sample = few.with_columns(pl.selectors.numeric().cast(pl.Float64)).to_pandas()
        with tempfile.TemporaryDirectory() as folder:
            bundle = Path(folder) / "bundle"
            bundle.mkdir()
            for name, text in record.files.items():
                (bundle / name).write_text(text, encoding="utf-8")
            info = mlflow.pyfunc.log_model(
                name="model",
                loader_module="flows.serving",
                data_path=str(bundle),
                signature=infer_signature(sample, from_files(record.files).predict(few).to_pandas()),
                pip_requirements=["evenfall"],
            )
        if not client.search_registered_models(f"name = '{record.experiment}'"):
            client.create_registered_model(record.experiment)
        created = client.create_model_version(record.experiment, info.model_uri, run_id=run_id, model_id=info.model_id)
        return int(created.version)

    def _registered(self, version: ModelVersion) -> RegisteredModel:
        number = int(version.version)
        trained_as_of = date.fromisoformat(version.tags["as_of"])
        return RegisteredModel(version.name, number, trained_as_of, self._files(version.name, number))

    def _files(self, name: str, version: int) -> dict[str, str]:
        import mlflow

        with tempfile.TemporaryDirectory() as folder:
            local = mlflow.artifacts.download_artifacts(f"models:/{name}/{version}", dst_path=folder)
            return read_bundle(Path(local) / _BUNDLE)

    def _experiment_id(self, client: MlflowClient, name: str) -> str:
        found = client.get_experiment_by_name(name)
        if found is not None:
            return str(found.experiment_id)
        # A local store would otherwise put artifacts below whatever folder the process was started in.
        location = (self.root.resolve() / "mlartifacts" / name).as_uri() if self.is_own else None
        # The kind opens the experiment in the UI's view for trained models instead of the one for chat applications.
        return str(client.create_experiment(name, artifact_location=location, tags={"mlflow.experimentKind": _EXPERIMENT_KIND}))

    @contextmanager
    def _client(self) -> Iterator[MlflowClient]:
        mlflow = quiet_mlflow()
        users_choice = os.environ.get("MLFLOW_TRACKING_URI")
        mlflow.set_tracking_uri(self.uri)
        try:
            yield mlflow.MlflowClient()
        except (mlflow.exceptions.MlflowException, OSError) as error:
            raise OutsideServiceError(
                f"the MLflow tracking store failed: {str(error).splitlines()[0]}",
                remedy="Check MLFLOW_TRACKING_URI and that the server runs, or unset it to use the workspace's own mlflow.db.",
            ) from error
        finally:
            _restore(users_choice)


def _promotions(client: MlflowClient, name: str) -> list[tuple[date, int, ModelVersion]]:
    """Every promotion there ever was: from which night on, its number, the version."""
    return [
        (date.fromisoformat(value), int(tag.removeprefix(_PROMOTED)), version)
        for version in client.search_model_versions(f"name = '{name}'")
        for tag, value in version.tags.items()
        if tag.startswith(_PROMOTED)
    ]


def _own_uri(root: Path) -> str:
    return f"sqlite:///{root.resolve() / 'mlflow.db'}"


def _restore(users_choice: str | None) -> None:
    """Take back what MLflow wrote into the environment: the next workspace of this process must not inherit it."""
    if users_choice is None:
        os.environ.pop("MLFLOW_TRACKING_URI", None)
    else:
        os.environ["MLFLOW_TRACKING_URI"] = users_choice


def quiet_mlflow() -> Any:
    """Import mlflow without telemetry and without its chatter on the terminal."""
    import logging
    import warnings

    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    import mlflow

    logging.getLogger("mlflow").setLevel(logging.ERROR)
    logging.getLogger("alembic").setLevel(logging.ERROR)
    # Our models log no input example on purpose: it would put members' rows into the store.
    warnings.filterwarnings("ignore", message=".*input example was not provided.*")
    return mlflow


def _dataset(record: TrainingRecord) -> Any:
    from mlflow.data.code_dataset_source import CodeDatasetSource
    from mlflow.data.polars_dataset import PolarsDataset

    return PolarsDataset(record.panel, source=CodeDatasetSource(tags=dict(record.tags)), name=f"{record.experiment} panel")


def _flat(metrics: Mapping[str, Mapping[str, float | None]]) -> dict[str, float]:
    """`auc` for our model, `recency.auc` for a baseline; metrics that could not be computed are left out."""
    flat: dict[str, float] = {}
    for model, values in metrics.items():
        prefix = "" if model == "evenfall" else f"{model}."
        flat |= {f"{prefix}{metric}": float(value) for metric, value in values.items() if value is not None}
    return flat
