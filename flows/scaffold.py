"""What `evenfall init` and `evenfall demo` write: a commented configuration, and a simulated community."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Final

from flows.action_scaffold import actions_toml
from flows.badge_scaffold import badges_toml
from lake.errors import ConfigurationError
from runtime.settings import CONFIGURATION_FILE
from wording.language import Language, speaking
from wording.texts import fill

DEMO_CONFIGURATION: Final = """\
# The simulated community of `evenfall demo`: six of the tables, each exported the way another system would.
# What is true in it stands in truth/, which Evenfall never reads.

[community]
name = "Simulated community"
timezone = "Europe/London"
currency = "EUR"

[run]
as_of = "latest"

[sources.members]
path = "landing/members.csv"
[sources.members.columns]
member_id = "member_id"
joined_at = "joined"
platform = "platform"
region = "country"
birth_year = "birth_year"
gender = "gender"
referrer_id = "referrer"
can_contact = "can_contact"
can_profile = "can_profile"

[sources.content]
path = "landing/content.jsonl"

[[sources.events]]                       # the web server's log
path = "landing/events/*.parquet"

[[sources.events]]                       # the app's log, with names of its own
path = "landing/events/*.jsonl"
[sources.events.columns]
event_id = "id"
member_id = "user"
event_type = "type"
occurred_at = "ts"
content_id = "item"
target_member_id = "to"
channel = "room"
platform = "device"

[sources.orders]
path = "landing/orders.csv.gz"
[sources.orders.columns]
order_id = "order_no"                    # lines that share it are summed
member_id = "customer"
ordered_at = "ordered_at"
amount = "quantity * unit_price"
currency = "currency"
kind = "product_line"

[sources.contacts]
path = "landing/contacts.csv"
separator = ";"
date_format = "%d/%m/%Y %H:%M:%S"
[sources.contacts.columns]
contact_id = "contact_id"
member_id = "member_id"
campaign_id = "campaign"
sent_at = "sent_at"
channel = "channel"
arm = "arm"
opened_at = "opened_at"
clicked_at = "clicked_at"

[sources.feedback]
path = "landing/feedback.csv"
[sources.feedback.columns]
member_id = "member"
answered_at = "answered"
score = "score"
text = "comment"
"""

# `@…@` stands for a sentence of the catalogue.
_STARTING_CONFIGURATION: Final = """\
# @init.head@

[community]
name = "@init.name@"
timezone = "UTC"            # @init.timezone@
# currency = "EUR"          # @init.currency@

[churn]
horizon_days = 28           # @init.horizon@
eligible_days = 90          # @init.eligible@

[value]
horizon_days = 90           # @init.value@

# @init.tables@
# @init.columns@

[sources.events]
path = "landing/events*.csv"            # @init.path@
# where = "deleted IS NULL"             # @init.where@
[sources.events.columns]
event_id = "id"                         # @init.event_id@
member_id = "user_id"
event_type = "action"
occurred_at = "created_at"              # @init.occurred_at@

# [sources.orders]
# uri = "postgresql://reader:${DATABASE_PASSWORD}@db.example/shop"   # @init.uri@
# query = "SELECT id, customer_id, created_at, total FROM orders"
# [sources.orders.columns]
# order_id = "id"
# member_id = "customer_id"
# ordered_at = "created_at"
# amount = "total"

# [validation.events]
# max_bad_share = 0.2       # @init.bad_share@
# max_age_days = 14         # @init.max_age@

# [lists]
# contact_capacity = 200    # @init.capacity@
# formats = ["mautic"]      # @init.formats@
"""

# SHA-256 of what earlier releases wrote.
_EARLIER_DEMOS: Final = frozenset(
    {
        "035652c63fa57b0e5c06ecdbbb7686fafa5e9375d69d5edcce16f744e6e66a3c",
        "30abf6397a60517286803eac5f577d5f59747e7f6800866714bf1daaad30d064",
    }
)

_NEXT_STEPS: Final = """\
Wrote {file}

Next:
  1. Point its sources at your exports and name their columns.
  2. evenfall nightly --workspace {folder}          (safe to repeat: unchanged files are not read twice)
  3. Open {folder}/reports/ in a browser, and {folder}/lists/ in a spreadsheet.

To run every night at 02:30, from cron:
  30 2 * * *  evenfall nightly --workspace {folder}
or with Prefect, whose deployments in prefect.yaml read two variables where you deploy from:
  EVENFALL_WORKSPACE={folder}   the folder above, as the worker sees it
  EVENFALL_TIMEZONE={timezone}   in which zone 02:30 is meant
  prefect work-pool create evenfall --type process && prefect --no-prompt deploy --all && prefect worker start --pool evenfall
"""


def starting_configuration(language: Language = "en") -> str:
    """Return the commented configuration to start from.

    Args:
        language: The language of its comments, and of the community.
    """
    with speaking(language):
        text = re.sub(r"@([a-z_.]+)@", lambda key: fill(key[1]), _STARTING_CONFIGURATION)
        # English is the default, and needs no line.
        text = text if language == "en" else text.replace("[community]\n", f'[community]\nlanguage = "{language}"\n', 1)
        return f"{text}\n{actions_toml(('events', 'orders'))}\n{badges_toml()}"


def initialise(folder: Path, *, language: Language = "en") -> str:
    """Write a commented configuration into a folder, and return the next steps as text.

    Args:
        folder: The folder.
        language: The language of the comments, and of the community.

    Raises:
        ConfigurationError: There is one already, or the folder cannot be written.
    """
    file = folder / CONFIGURATION_FILE
    _write(file, starting_configuration(language), replace=False)
    return _NEXT_STEPS.format(file=file, folder=folder.resolve(), timezone="UTC")


def make_demo(folder: Path, *, members: int, days: int, seed: int) -> None:
    """Write the exports of a simulated community, the truth about it, and a configuration that reads the exports.

    Args:
        folder: The workspace.
        members: The number of members.
        days: The number of days.
        seed: Seed of the random numbers; the same seed gives the same files.

    Raises:
        ConfigurationError: The folder holds another configuration, or cannot be written.
    """
    from lake.simulate import simulate

    file = folder / CONFIGURATION_FILE
    configuration = f"{DEMO_CONFIGURATION}\n{actions_toml(('events', 'orders', 'content'))}\n{badges_toml()}"
    if file.exists() and not _is_a_demo(file.read_text(encoding="utf-8"), configuration):
        raise ConfigurationError(
            f"{file} is not the demo's configuration", remedy="Choose an empty folder for the demo with --workspace."
        )
    _write(file, configuration, replace=True)
    simulate(folder, seed=seed, members=members, days=days)


def _is_a_demo(text: str, configuration: str) -> bool:
    """Whether a configuration is the demo's, of this release or of an earlier one, and so may be replaced."""
    return text == configuration or hashlib.sha256(text.encode()).hexdigest() in _EARLIER_DEMOS


def _write(file: Path, text: str, *, replace: bool) -> None:
    if file.exists() and not replace:
        raise ConfigurationError(f"{file} is there already", remedy="Edit it, or choose another folder with --workspace.")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"{file} cannot be written: {error.strerror}", remedy="Choose a folder you may write to."
        ) from error
