"""Pages that were logged with the training of a model, read back."""

from __future__ import annotations

import tempfile
from pathlib import Path

from runtime.tracking.tracking import RegisteredModel, Tracking


def read_page(tracking: Tracking, model: RegisteredModel, name: str) -> str | None:
    """Return a page that was logged with the training of a version; None where it has none.

    Raises:
        OutsideServiceError: The tracking server failed.
    """
    import mlflow

    with tracking.client() as client, tempfile.TemporaryDirectory() as folder:
        run_id = client.get_model_version(model.name, str(model.version)).run_id
        if not run_id or name not in {artifact.path for artifact in client.list_artifacts(run_id)}:
            return None
        local = mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path=name, dst_path=folder)
        return Path(local).read_text(encoding="utf-8")
