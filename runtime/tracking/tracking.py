"""MLflow: experiments, the registry of models, and one run per training and per night.

Only this room imports mlflow, and it does so inside functions: the import costs seconds.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from lake.errors import ConfigurationError, OutsideServiceError
from models.bundle import files_hash, from_files
from runtime.tracking import promotions
from runtime.tracking.library import quiet_mlflow, restore_address
from runtime.tracking.local_store import make_local_store, relocate
from runtime.tracking.run_presentation import (
    ABOUT,
    backtest_metric_names,
    by_cutoff,
    cutoff_metric_names,
    metric_names,
    night_metric_names,
    panel_dataset,
    parameters,
    provenance,
    run_tags,
)
from runtime.tracking.serving import read_bundle
from runtime.tracking.store_address import is_server, local_store_address, with_our_driver, without_password
from runtime.tracking.training_record import RegisteredModel, TrainingRecord
from runtime.tracking.trials import log_trials
from runtime.tracking.views import show_headlines

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

__all__ = ["BACKTESTS", "NIGHTS", "RegisteredModel", "Tracking", "TrainingRecord", "quiet_mlflow"]

NIGHTS: Final = "nights"
BACKTESTS: Final = "backtests"
_EXPERIMENT_KIND: Final = "custom_model_development"
_UNUSED_EXPERIMENT: Final = "Default"
_NOTE: Final = "mlflow.note.content"
_BUNDLE: Final = "data/bundle"
_FILES_HASH: Final = "files"
_SIGNATURE_ROWS: Final = 5


@dataclass(frozen=True)
class Tracking:
    """The store of a workspace's runs and models.

    Args:
        root: The workspace.
        uri: The address of the tracking store.
    """

    root: Path
    uri: str

    @classmethod
    def of(cls, root: Path) -> Tracking:
        """Return the workspace's own SQLite file, unless `MLFLOW_TRACKING_URI` names another store."""
        return cls(root, with_our_driver(os.environ.get("MLFLOW_TRACKING_URI") or local_store_address(root)))

    @property
    def shown_uri(self) -> str:
        """The address without its password, for people and logs."""
        return without_password(self.uri, uri=self.uri)

    @property
    def is_own(self) -> bool:
        """Whether the store is the workspace's own file."""
        return self.uri == local_store_address(self.root)

    def exists(self) -> bool:
        """Return whether the store exists; one that is not the workspace's own is taken to exist."""
        return not self.is_own or (self.root / "mlflow.db").exists()

    def prepare(self) -> None:
        """Create the store and the experiments once, and complete or close what a killed process left.

        Raises:
            OutsideServiceError: The tracking server does not answer.
        """
        with self.client() as client:
            ids = [self._experiment_id(client, name) for name in ("churn", "value", NIGHTS, BACKTESTS)]
            if self.is_own:
                _tidy(client)
            for run in client.search_runs(ids, filter_string="attributes.status = 'RUNNING'"):
                client.set_terminated(run.info.run_id, status="KILLED")
            for model in client.search_registered_models():
                if model.name in ("churn", "value"):
                    promotions.settle(client, model.name)

    def log_training(self, record: TrainingRecord) -> RegisteredModel:
        """Log a training as one run and register its model as a new version, without an alias.

        Raises:
            OutsideServiceError: The tracking server failed.
        """
        import mlflow

        with self.client() as client:
            run = mlflow.start_run(
                experiment_id=self._experiment_id(client, record.experiment),
                run_name=f"{record.experiment} {record.as_of.isoformat()}",
                description=record.summary,
                tags=run_tags(record.as_of, record.tags),
            )
            with run:
                mlflow.log_input(panel_dataset(record.panel, experiment=record.experiment, tags=record.tags), context="training")
                mlflow.log_params(parameters(record.parameters))
                mlflow.log_metrics(metric_names(record.metrics))
                mlflow.log_dict(provenance(record.tags), "provenance.json")
                for name, figure in record.figures.items():
                    mlflow.log_figure(figure, f"figures/{name}")
                for name, table in record.tables.items():
                    mlflow.log_text(table.write_csv(), f"tables/{name}")
                for name, page in record.pages.items():
                    mlflow.log_text(page, name)
                version = self._log_model(client, record, run.info.run_id)
                log_trials(run.info.experiment_id, record.trials, as_of=record.as_of)
            show_headlines(client, record.experiment, metric_names(record.metrics))
        return RegisteredModel(record.experiment, version, record.as_of, dict(record.files))

    def promote(self, model: RegisteredModel, *, as_of: date, reason: str) -> None:
        """Make a version the champion from a night on.

        Promotions are numbered and never deleted, so that after a roll-back it stays known which model scored a past night.

        Args:
            model: The version.
            as_of: The first night that it scores.
            reason: Why it was promoted.

        Raises:
            OutsideServiceError: The tracking server failed.
        """
        with self.client() as client:
            number = max((number for _, number, _ in promotions.every_promotion(client, model.name)), default=0) + 1
            # This one tag is the promotion; `settle` derives the rest from it, in `prepare` if the process dies in between.
            promotion = f"{as_of.isoformat()} {reason}"
            client.set_model_version_tag(model.name, str(model.version), f"{promotions.PROMOTED}{number:04}", promotion)
            promotions.settle(client, model.name)

    def turn_down(self, model: RegisteredModel, *, reason: str) -> None:
        """Record why a challenger did not become champion.

        Raises:
            OutsideServiceError: The tracking server failed.
        """
        with self.client() as client:
            client.set_model_version_tag(model.name, str(model.version), promotions.DECISION, f"turned down: {reason}")

    def decision(self, model: RegisteredModel) -> str | None:
        """Return the decision on a version, or None before the gate has compared it."""
        with self.client() as client:
            decided: str | None = client.get_model_version(model.name, str(model.version)).tags.get(promotions.DECISION)
            return decided

    def newest_training(self, name: str, *, as_of: date) -> date | None:
        """Return the newest night up to `as_of` for which a model was trained and decided on, promoted or not.

        Raises:
            OutsideServiceError: The tracking server failed.
        """
        with self.client() as client:
            versions = client.search_model_versions(f"name = '{name}'")
            nights = [date.fromisoformat(version.tags["as_of"]) for version in versions if promotions.DECISION in version.tags]
            return max((night for night in nights if night <= as_of), default=None)

    def champion(self, name: str, *, as_of: date) -> RegisteredModel | None:
        """Return the champion of a night: the newest version promoted on that night or before.

        So a past night is scored by the model of that time, however often it is run again.

        Raises:
            OutsideServiceError: The tracking server failed.
        """
        with self.client() as client:
            until_then = [promotion for promotion in promotions.every_promotion(client, name) if promotion[0] <= as_of]
            return self._registered(max(until_then, key=lambda promotion: promotion[:2])[2]) if until_then else None

    def registered(self, name: str, *, version: int) -> RegisteredModel:
        """Return a version by its number.

        Raises:
            OutsideServiceError: There is none, or the tracking server failed.
        """
        with self.client() as client:
            return self._registered(client.get_model_version(name, str(version)))

    def versions(self, name: str) -> set[int]:
        """Return the numbers of all versions that are still registered.

        Raises:
            OutsideServiceError: The tracking server failed.
        """
        with self.client() as client:
            return {int(version.version) for version in client.search_model_versions(f"name = '{name}'")}

    def find(self, name: str, *, as_of: date, fingerprint: str) -> RegisteredModel | None:
        """Return an undamaged version that was trained from the same data, settings and code; None where there is none.

        Args:
            name: `churn` or `value`.
            as_of: The night that the version is returned for.
            fingerprint: Hash of data, settings and code.

        Raises:
            OutsideServiceError: The tracking server failed.
        """
        with self.client() as client:
            versions = client.search_model_versions(f"name = '{name}'")
            same_data = [version for version in versions if version.tags.get("fingerprint") == fingerprint]
            models = (self._registered(version) for version in sorted(same_data, key=lambda version: int(version.version)))
            return next((replace(model, trained_as_of=as_of) for model in models if model.damage is None), None)

    def log_night(self, *, as_of: date, metrics: Mapping[str, float], tags: Mapping[str, str], summary: str) -> None:
        """Log a night: counts, timings and a summary; the run replaces an earlier one of the same night.

        Args:
            as_of: The night.
            metrics: Metric → value, as `pipeline.summary` names them.
            tags: Tag → value.
            summary: The summary as Markdown.

        Raises:
            OutsideServiceError: The tracking server failed.
        """
        import mlflow

        with self.client() as client:
            experiment_id = self._experiment_id(client, NIGHTS)
            earlier = client.search_runs([experiment_id], filter_string=f"tags.as_of = '{as_of.isoformat()}'")
            mlflow_run = mlflow.start_run(
                experiment_id=experiment_id, run_name=f"night {as_of.isoformat()}", tags=run_tags(as_of, tags)
            )
            with mlflow_run:
                mlflow.log_metrics(night_metric_names(metrics))
                mlflow.log_text(summary, "summary.md")
            show_headlines(client, NIGHTS, night_metric_names(metrics))
            # After the new run is complete, so that a process that dies leaves at least one run of the night.
            for run in earlier:
                client.delete_run(run.info.run_id)

    def log_backtest(self, *, as_of: date, results: Mapping[str, Any], page: str, tags: Mapping[str, str]) -> None:
        """Log a backtest: a parent run with the means and the page, and a child run per cut-off.

        Args:
            as_of: The night whose past was tested.
            results: The figures, in the shape of `evenfall backtest --json`.
            page: The page as HTML.
            tags: Versions of data and code.

        Raises:
            OutsideServiceError: The tracking server failed.
        """
        import mlflow

        with self.client() as client:
            experiment_id = self._experiment_id(client, BACKTESTS)
            name = f"backtest {as_of.isoformat()}"
            with mlflow.start_run(experiment_id=experiment_id, run_name=name, tags=run_tags(as_of, tags)):
                mlflow.log_metrics(backtest_metric_names(results["summary"]))
                show_headlines(client, BACKTESTS, backtest_metric_names(results["summary"]))
                for metric, value, at_ms, step in by_cutoff(results["cutoffs"]):
                    mlflow.log_metric(metric, value, step=step, timestamp=at_ms)
                mlflow.log_dict(dict(results), "backtest.json")
                mlflow.log_dict(provenance(tags), "provenance.json")
                mlflow.log_text(page, "backtest.html")
                for cutoff in results["cutoffs"]:
                    as_of_cutoff = date.fromisoformat(cutoff["as_of"])
                    with mlflow.start_run(
                        experiment_id=experiment_id,
                        run_name=f"cut-off {as_of_cutoff}",
                        nested=True,
                        tags=run_tags(as_of_cutoff, {}),
                    ):
                        mlflow.log_metrics(cutoff_metric_names(cutoff))

    @contextmanager
    def client(self) -> Iterator[MlflowClient]:
        """Open the store while the block runs, and translate its errors into ours.

        Raises:
            OutsideServiceError: The tracking server failed.
        """
        import sqlalchemy.exc

        mlflow = quiet_mlflow()
        users_choice = os.environ.get("MLFLOW_TRACKING_URI")
        mlflow.set_tracking_uri(self.uri)
        try:
            if self.is_own:
                make_local_store(self.root / "mlflow.db")
                relocate(self.root / "mlflow.db")
            yield mlflow.MlflowClient()
        except (mlflow.exceptions.MlflowException, sqlalchemy.exc.SQLAlchemyError, ImportError, OSError) as error:
            # The error is not chained: its text may show the address with the password.
            first_line = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise OutsideServiceError(
                without_password(f"the MLflow tracking store at {self.uri} failed: {first_line}", uri=self.uri),
                remedy="Check MLFLOW_TRACKING_URI and that the server runs, or unset it to use the workspace's own mlflow.db.",
            ) from None
        finally:
            restore_address(users_choice)

    def _log_model(self, client: MlflowClient, record: TrainingRecord, run_id: str) -> int:
        import mlflow
        from mlflow.models import infer_signature

        few = record.panel.select(record.features).head(_SIGNATURE_ROWS)
        # Numbers are declared as floats: a count that is null for one member would not fit an integer.
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
        # With its tags in the same call: after a crash, a version without them would not be found again.
        tags = {"as_of": record.as_of.isoformat(), "fingerprint": record.tags.get("fingerprint", "")}
        tags[_FILES_HASH] = files_hash(record.files)
        created = client.create_model_version(record.experiment, info.model_uri, run_id=run_id, tags=tags, model_id=info.model_id)
        return int(created.version)

    def _registered(self, version: ModelVersion) -> RegisteredModel:
        number = int(version.version)
        trained_as_of = date.fromisoformat(version.tags["as_of"])
        try:
            files = self._files(version.name, number)
        except (ConfigurationError, FileNotFoundError) as error:
            damage = "a file in it is not text" if isinstance(error, ConfigurationError) else "its files are gone"
            return RegisteredModel(version.name, number, trained_as_of, {}, damage)
        # Versions of earlier releases have no hash.
        same = version.tags.get(_FILES_HASH) in (None, files_hash(files))
        return RegisteredModel(version.name, number, trained_as_of, files, None if same else "its files were changed")

    def _files(self, name: str, version: int) -> dict[str, str]:
        import mlflow

        with tempfile.TemporaryDirectory() as folder:
            local = mlflow.artifacts.download_artifacts(f"models:/{name}/{version}", dst_path=folder)
            return read_bundle(Path(local) / _BUNDLE)

    def _experiment_id(self, client: MlflowClient, name: str) -> str:
        experiment = client.get_experiment_by_name(name)
        if experiment is not None:
            if experiment.tags.get(_NOTE) != ABOUT[name]:
                client.set_experiment_tag(experiment.experiment_id, _NOTE, ABOUT[name])
            return str(experiment.experiment_id)
        # With a database, MLflow would put artifacts below the folder the process was started in; a server decides itself.
        location = None if is_server(self.uri) else (self.root.resolve() / "mlartifacts" / name).as_uri()
        # The UI chooses its view by the kind: without it, the one for chat applications.
        tags = {"mlflow.experimentKind": _EXPERIMENT_KIND, _NOTE: ABOUT[name]}
        return str(client.create_experiment(name, artifact_location=location, tags=tags))


def _tidy(client: MlflowClient) -> None:
    """Delete MLflow's own empty experiment, so that people do not find it in the list."""
    unused = client.get_experiment_by_name(_UNUSED_EXPERIMENT)
    if (
        unused is not None
        and unused.lifecycle_stage == "active"
        and not client.search_runs([unused.experiment_id], max_results=1)
    ):
        client.delete_experiment(unused.experiment_id)
