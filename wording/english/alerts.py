"""Alerts."""

from __future__ import annotations

from typing import Final

ALERTS: Final = {
    "alert.failed": "{community}: {night} failed: {kind} (exit code {code})",
    "alert.warned": "{community}: {night} finished with warnings",
    "alert.noticed": "{community}: early warning of {night}",
    "alert.late": "{community}: {night} has not run",
    "alert.remedy": "What to do: {remedy}",
    "alert.night": "the night of {of}",
    "alert.other": "{purpose} of {of}",
    "alert.last_full_day": "the last full day",
    # By the exit code.
    "alert.kind.1": "a bug of ours",
    "alert.kind.2": "its configuration is wrong",
    "alert.kind.3": "its data are not fit",
    "alert.kind.4": "an outside service failed",
    "alert.kind.5": "another run holds the workspace",
    "alert.bug": "It met a bug of ours: {kind}. Nothing half-done was published.",
    "alert.bug.done": "{done}.",
    "alert.bug.remedy": "Run it again; if it fails again, report what it wrote on the terminal or in Prefect's log.",
}
