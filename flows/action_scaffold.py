"""The default actions as `[[actions]]` of a configuration, for `evenfall init`, the demo and the examples."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from engagement.actions import DEFAULTS, default_message
from wording.language import current
from wording.messages import default_messages
from wording.texts import fill


def actions_toml(tables: Collection[str]) -> str:
    """Write the default actions that a community with these tables can judge, as TOML."""
    messages = default_messages(current())
    sections = [
        _section({"name": name, "message": default_message(name, messages, tables=tables), **settings})
        for name, (needs, settings) in DEFAULTS.items()
        if needs is None or needs in tables
    ]
    return "\n\n".join([f"# {fill('init.actions')}", *sections]) + "\n"


def _section(settings: Mapping[str, object]) -> str:
    return "\n".join(["[[actions]]", *(_line(key, value) for key, value in settings.items())])


def _line(key: str, value: object) -> str:
    return f'{key} = "{value}"' if isinstance(value, str) else f"{key} = {value}"
