"""The simulated community as export tables, in the formats that different source systems would use.

Every function returns one frame with the columns of its file: good rows only, in file order.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from lake.simulate.campaigns import ARMS, NEWSLETTER
from lake.simulate.commerce import KINDS, PRODUCTS
from lake.simulate.population import ARCHETYPES, EVENT_TYPES, NEVER, TOPICS, Ints, Population, chance
from lake.simulate.state import Life
from lake.simulate.wording import Calendar, blanked, ids, member_ids, with_hostile, words

CURRENCY: Final = "EUR"
PLATFORMS: Final = ("web", "ios", "android")
COUNTRIES: Final = ("GB", "IE", "FR", "DE", "NL", "")
GENDERS: Final = ("female", "male", "other", "")
FORMATS: Final = ("question", "answer", "story", "video", "")
CONSENTS: Final = ("true", "false", "")
TITLES: Final = ("A question on the {}", "What I learnt about the {}", "Show us your {}", "Help with my {}", "Notes from the {}")
OPINIONS: Final = ("I like it here.", "Too quiet lately.", "Nobody answered me.", "Great workshop!", "")


def members_export(people: Population, rng: np.random.Generator, calendar: Calendar) -> pl.DataFrame:
    """Return one row per member, in the order of joining; all columns are text, null where unknown.

    Args:
        people: The population.
        rng: Source of randomness.
        calendar: Conversion of days to dates and times.
    """
    size = people.size
    birth_year = np.round(rng.normal(1984, 13, size)).clip(1935, 2008).astype(np.int64)
    referrer = np.floor(rng.random(size) * np.arange(size)).astype(np.int64)
    is_unreferred = ~chance(rng, size, 0.2) | (np.arange(size) == 0)
    return pl.DataFrame(
        {
            "member_id": member_ids(np.arange(size)),
            "joined": calendar.dates(people.joined_day).cast(pl.String),
            "platform": words(PLATFORMS, people.platform),
            "country": words(COUNTRIES, rng.choice(len(COUNTRIES), size=size, p=[0.55, 0.12, 0.1, 0.1, 0.08, 0.05])),
            "birth_year": blanked(pl.Series(birth_year).cast(pl.String), chance(rng, size, 0.15)),
            "gender": words(GENDERS, rng.choice(len(GENDERS), size=size, p=[0.44, 0.40, 0.03, 0.13])),
            "referrer": blanked(member_ids(referrer), is_unreferred),
            "can_contact": words(CONSENTS, np.where(people.may_be_contacted, 2 * chance(rng, size, 0.03), 1)),
            "can_profile": words(CONSENTS, rng.choice(len(CONSENTS), size=size, p=[0.95, 0.02, 0.03])),
        }
    )


def events_export(life: Life, rng: np.random.Generator, calendar: Calendar) -> pl.DataFrame:
    """Return one row per event, in the order of time; `occurred_at` in UTC.

    Args:
        life: The simulated days.
        rng: Source of randomness.
        calendar: Conversion of days to dates and times.
    """
    diary = life.events.columns()
    order = np.argsort(diary["day"] * 86_400.0 + diary["second"], kind="stable")
    member, code, content, target = (diary[name][order] for name in ("member", "code", "content", "target"))
    topic_of_content = np.append(life.content.columns()["topic"], 0)
    topic = np.where(content >= 0, topic_of_content[content], life.people.home_topic[member])
    platform = np.where(chance(rng, len(member), 0.1), 0, life.people.platform[member])
    return pl.DataFrame(
        {
            "event_id": ids("e", np.arange(len(member)), width=7),
            "member_id": member_ids(member),
            "event_type": words(EVENT_TYPES, code),
            "occurred_at": calendar.moments(diary["day"][order], diary["second"][order]),
            "content_id": ids("c", content, width=6),
            "target_member_id": member_ids(target),
            "channel": blanked(words(TOPICS, topic), code == 0),
            "platform": words(PLATFORMS, platform),
        }
    )


def content_export(life: Life, rng: np.random.Generator, calendar: Calendar) -> pl.DataFrame:
    """Return one row per published piece, numbered by day; `published_at` in UTC.

    Args:
        life: The simulated days.
        rng: Source of randomness.
        calendar: Conversion of days to dates and times.
    """
    diary = life.content.columns()
    size = len(diary["number"])
    titles = [template.format(topic) for topic in TOPICS for template in TITLES]
    title = words(titles, diary["topic"] * len(TITLES) + rng.integers(0, len(TITLES), size))
    return pl.DataFrame(
        {
            "content_id": ids("c", diary["number"], width=6),
            "author_id": member_ids(diary["author"]),
            "published_at": calendar.moments(diary["day"], diary["second"]),
            "topic": words(TOPICS, diary["topic"]),
            "format": words(FORMATS, rng.choice(len(FORMATS), size=size, p=[0.4, 0.3, 0.2, 0.07, 0.03])),
            "title": with_hostile(title, every=61),
        }
    )


def orders_export(lines: pl.DataFrame, calendar: Calendar) -> pl.DataFrame:
    """Return one row per order line, in the order of time; refunds have order numbers of their own and negative quantities."""
    lines = lines.sort("day", "second", "order", "line").with_columns(number=pl.col("order").rle_id())
    offset = np.concatenate([[0], np.cumsum([len(names) for names in PRODUCTS])[:-1]])
    products = [product for names in PRODUCTS for product in names]
    number, kind = lines["number"].to_numpy().astype(np.int64), lines["kind"].to_numpy()
    return pl.DataFrame(
        {
            "order_no": ids("o", number, width=6),
            "line": lines["line"],
            "customer": member_ids(lines["member"].to_numpy()),
            "ordered_at": calendar.local(lines["day"].to_numpy(), lines["second"].to_numpy()).dt.to_string("%Y-%m-%d %H:%M:%S"),
            "product_line": words(KINDS, kind),
            "product": words(products, offset[kind] + lines["product"].to_numpy()),
            "quantity": lines["quantity"].cast(pl.String),
            "unit_price": _money_text(lines["unit_minor"]),
            "currency": pl.repeat(CURRENCY, lines.height, eager=True),
        }
    )


def contacts_export(life: Life, calendar: Calendar, *, days: int) -> pl.DataFrame:
    """Return one row per message sent or withheld (arm control), with day-first local times; newsletters have no arm.

    Args:
        life: The simulated days.
        calendar: Conversion of days to dates and times.
        days: Length of the simulation; openings and clicks after it are null.
    """
    diary = life.contacts.columns()
    sent = calendar.local(diary["day"], diary["second"])
    is_newsletter = pl.Series(diary["arm"] == NEWSLETTER)
    name = pl.when(is_newsletter).then(pl.lit("newsletter-")).otherwise(pl.lit("come-back-")) + sent.dt.to_string("%Y-%m-%d")
    return pl.DataFrame(
        {
            "contact_id": ids("k", np.arange(len(sent)), width=6),
            "member_id": member_ids(diary["member"]),
            "campaign": pl.select(name).to_series(),
            "sent_at": sent.dt.to_string("%d/%m/%Y %H:%M:%S"),
            "channel": words(("mail", "push"), ((diary["arm"] != NEWSLETTER) & (diary["member"] % 3 == 0)).astype(np.int64)),
            "arm": words(ARMS, diary["arm"]),
            "opened_at": _later(diary["day"], diary["second"], diary["opened_after"], calendar, days=days),
            "clicked_at": _later(diary["day"], diary["second"], diary["clicked_after"], calendar, days=days),
        }
    )


def feedback_export(life: Life, rng: np.random.Generator, calendar: Calendar) -> pl.DataFrame:
    """Return one row per answer; the export has no key.

    Args:
        life: The simulated days.
        rng: Source of randomness.
        calendar: Conversion of days to dates and times.
    """
    diary = life.feedback.columns()
    size = len(diary["member"])
    text = words(OPINIONS, rng.choice(len(OPINIONS), size=size, p=[0.25, 0.15, 0.12, 0.13, 0.35]))
    answered = calendar.local(diary["day"], rng.integers(8 * 3600, 23 * 3600, size))
    return pl.DataFrame(
        {
            "member": member_ids(diary["member"]),
            "answered": answered.dt.to_string("%Y-%m-%dT%H:%M:%S"),
            "score": pl.Series(diary["score"]).cast(pl.Int64).cast(pl.String),
            "comment": with_hostile(text, every=23),
        }
    )


def members_truth(life: Life, lines: pl.DataFrame, calendar: Calendar) -> pl.DataFrame:
    """Return one row per member with the parameters that the exports do not contain; see `lake.simulate`.

    Args:
        life: The simulated days.
        lines: Order lines, refunds included.
        calendar: Conversion of days to dates and times.
    """
    people = life.people
    is_recovering = (life.gone_from == NEVER) | (life.decline_from == NEVER)
    spent = np.bincount(lines["member"].to_numpy(), (lines["quantity"] * lines["unit_minor"]).to_numpy(), people.size)
    return pl.DataFrame(
        {
            "member_id": member_ids(np.arange(people.size)),
            "archetype": words([archetype.name for archetype in ARCHETYPES], people.archetype),
            "joined_day": calendar.dates(people.joined_day),
            "decline_from": calendar.dates(np.where(is_recovering, NEVER, life.decline_from)),
            "drifted_from": calendar.dates(life.gone_from),
            "rescues": life.rescues,
            "sessions_per_day": people.sessions_per_day,
            "actions_per_session": people.actions_per_session,
            "diversity": people.diversity,
            "popularity": people.popularity,
            "hazard_ratio": people.hazard_ratio,
            "orders_per_day": people.orders_per_day,
            "mean_order_value": people.mean_order_value,
            "contact_effect": people.contact_effect,
            "net_spend_minor": pl.Series(np.round(spent)).cast(pl.Int64),
        }
    )


def contacts_truth(life: Life, contacts: pl.DataFrame) -> pl.DataFrame:
    """Return one row per randomised contact: contact_id, member_id, arm, and the expected extra sessions of a treatment."""
    diary = life.contacts.columns()
    truth = contacts.select("contact_id", "member_id", "arm").with_columns(expected_extra_sessions=pl.Series(diary["effect"]))
    return truth.filter(pl.Series(diary["arm"] != NEWSLETTER))


def _money_text(minor: pl.Series) -> pl.Series:
    cents = (minor % 100).cast(pl.String).str.zfill(2)
    return pl.select((minor // 100).cast(pl.String) + pl.lit(".") + cents).to_series()


def _later(day: Ints, second: Ints, after: Ints, calendar: Calendar, *, days: int) -> pl.Series:
    """Return the day-first text of the time `after` seconds later; null if it is negative or after the simulation."""
    total = day * 86_400 + second + after
    moment = calendar.local(np.zeros(len(day), dtype=np.int64), total.astype(np.float64))
    return blanked(moment.dt.to_string("%d/%m/%Y %H:%M:%S"), (after < 0) | (total >= days * 86_400))
