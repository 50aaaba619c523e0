"""Which version scores which night: promotions are numbered tags on the versions of a model, never taken back."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

CHAMPION: Final = "champion"
PROMOTED: Final = "promoted."
DECISION: Final = "decision"
_DATE_CHARACTERS: Final = len("2011-08-31")


def every_promotion(client: MlflowClient, name: str) -> list[tuple[date, int, ModelVersion]]:
    """Return every promotion ever made: first night, number and version, in no particular order."""
    return [
        (date.fromisoformat(value[:_DATE_CHARACTERS]), int(tag.removeprefix(PROMOTED)), version)
        for version in client.search_model_versions(f"name = '{name}'")
        for tag, value in version.tags.items()
        if tag.startswith(PROMOTED)
    ]


def settle(client: MlflowClient, name: str) -> None:
    """Set alias and decision of a model to what the newest promotion says."""
    # The tag alone is the promotion. Alias and decision follow from it, and a process may die before they are set.
    newest = max(every_promotion(client, name), key=lambda promotion: promotion[1], default=None)
    if newest is None:
        return
    _, number, version = newest
    reason = version.tags[f"{PROMOTED}{number:04}"][_DATE_CHARACTERS:].strip()
    decided = f"promoted: {reason}"
    if reason and version.tags.get(DECISION) != decided:
        client.set_model_version_tag(name, str(version.version), DECISION, decided)
    if client.get_registered_model(name).aliases.get(CHAMPION) != str(version.version):
        client.set_registered_model_alias(name, CHAMPION, str(version.version))
