"""`evenfall.toml`, typed: every room's settings under one roof, with `EVENFALL_…` environment variables on top."""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from community.badges import Badge, check_badges
from community.content_policy import ContentPolicy
from community.goals import Goals
from community.partner_policy import PartnerPolicy
from community.recognition import RecognitionPolicy
from community.show_policy import ShowPolicy
from engagement.actions import SPENT, Action, check_actions
from engagement.policy import ContactPolicy
from expectations.table_checks import TableLimits
from features.network.policy import NetworkPolicy
from lake.contracts import ACTIVITY_TABLES, PLATFORM_FIGURES, TABLES, section_of
from lake.errors import ConfigurationError
from lake.sources.source_identity import identify
from lake.sources.source_settings import SourceSettings, known_zone
from lake.sources.sql_grammar import ManyRowsError, read_expression
from lake.sources.sql_tokens import NotReadError
from lake.storage.bucket import Bucket
from models.config import PredictionSettings
from models.gate import GatePolicy
from outputs.sending import Format
from runtime.alert_settings import Alerts
from runtime.door_settings import Door
from runtime.figure_settings import FigureEvents, check_sources_of_figures
from runtime.report_settings import ReportEdition
from runtime.scale_settings import Scale
from runtime.settings_mistakes import describe_mistakes, nearest
from runtime.workspace import DEFAULT_LAKE_PATH
from segments.groups import GroupPolicy
from segments.lifecycle import LifecyclePolicy
from segments.risk import RiskPolicy
from segments.scores import ScorePolicy
from segments.tiers import TierPolicy
from wording.language import Language

CONFIGURATION_FILE = "evenfall.toml"


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Community(FigureEvents, _Section):
    """`[community]`: whose members these are."""

    name: str = Field(default="Our community", description="Name at the head of the report.")
    language: Language = Field(default="en", description='Language that people read: "en", "zh", "zh-Hant" (docs/languages.md).')
    timezone: str = Field(
        default="UTC", description="Decides which day a moment belongs to; stays what it was in a lake's first night."
    )
    currency: str | None = Field(default=None, description="Three-letter code shown beside money, such as GBP.")
    posting_events: tuple[str, ...] = Field(
        default=("post", "comment", "question", "answer", "reply"),
        description="Event types that count as posting, besides content of one's own.",
    )
    reading_events: tuple[str, ...] = Field(
        default=("read", "view", "watch", "page_view"), description="Event types that count as reading, for the way of newcomers."
    )
    staff: tuple[str, ...] = Field(
        default=(),
        description="Ids of members who are staff: never listed, scored or learnt from; `role` of members says so, too.",
    )
    bots: tuple[str, ...] = Field(default=(), description="Ids of members that are bots; handled as staff is.")
    not_bots: tuple[str, ...] = Field(default=(), description="Ids of members never to be suspected of being bots again.")
    smallest_group: int = Field(default=5, ge=1, description="Groups with fewer members are not shown in the report.")

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, zone: str) -> str:
        return known_zone(zone)


class LakePlace(_Section):
    """`[lake]`: where the Delta tables lie; lists, reports and logs stay in the folder of evenfall.toml."""

    path: str = Field(
        default=DEFAULT_LAKE_PATH,
        min_length=1,
        description="Folder, relative to that of evenfall.toml, or `s3://bucket/prefix`; one lake serves one workspace. "
        "Endpoint and keys of a bucket come from the environment alone (docs/operations.md).",
    )

    @field_validator("path")
    @classmethod
    def _known_place(cls, path: str) -> str:
        if "://" in path:
            Bucket.at(path)
        return path


class Churn(_Section):
    """`[churn]`: what drifting away means here."""

    horizon_days: int = Field(default=28, ge=1, le=730, description="Churned: no activity on days as_of+1 … as_of+horizon.")
    eligible_days: int = Field(default=90, ge=1, le=3650, description="Scored: active on one of so many days ending with as_of.")


class Value(_Section):
    """`[value]`: how far expected spend looks ahead."""

    horizon_days: int = Field(default=90, ge=1, le=730, description="Target: net spend on days as_of+1 … as_of+horizon.")


class Run(_Section):
    """`[run]`: which night, when the command does not say."""

    as_of: Literal["yesterday", "latest"] | date = Field(
        default="yesterday", description="yesterday, latest (the last full day in the data) or a date."
    )


class Validation(_Section):
    """`[validation]`: how much bad data a night bears; a table's own limits under `[validation.<table>]`."""

    future_tolerance_minutes: int = Field(default=60, ge=0, description="How far ahead of our clock a time may be.")
    members: TableLimits = TableLimits()
    content: TableLimits = TableLimits()
    events: TableLimits = TableLimits()
    orders: TableLimits = TableLimits()
    contacts: TableLimits = TableLimits()
    feedback: TableLimits = TableLimits()
    figures: TableLimits = TableLimits()

    def limits(self, table: str) -> TableLimits:
        """The limits of one table."""
        limits: TableLimits = getattr(self, section_of(table))
        return limits


class Training(_Section):
    """`[training]`: when the night trains anew."""

    every_days: int = Field(default=7, ge=1, description="Train when the champion is so many days old, or there is none.")
    when: Literal["schedule", "due"] = Field(
        default="schedule",
        description="schedule: only then; due: also when members have drifted or fewer are expected to be ranked rightly.",
    )


class Access(_Section):
    """`[access]`: who on this machine may read what Evenfall writes."""

    group_readable: bool = Field(
        default=False, description="false: the user that runs Evenfall alone; true: that user's group may read too, never others."
    )


class Lists(_Section):
    """`[lists]`: what is written for people and other systems."""

    contact_capacity: int = Field(default=200, ge=0, description="Longest contact list the team can work through in a day.")
    bom: bool = Field(
        default=True,
        description="Whether CSV lists begin with a byte-order mark; Excel needs it to read letters such as ü.",
    )
    formats: tuple[Format, ...] = Field(
        default=(),
        description='Tools for which the contact list is written as well, such as `["mautic"]`: mautic, braze, wecom, discourse '
        "(docs/sending.md).",
    )
    publish_uri: str | None = Field(
        default=None, description="Database the member list is also written to; `${NAME}` is read from the environment."
    )
    publish_table: str = Field(default="evenfall_members", description="Table in that database.")


class Keep(_Section):
    """`[retention.<table>]`: how long one table is kept."""

    keep_days: int | None = Field(
        default=None, ge=1, description="Days kept, counted back from the night; by default everything is kept."
    )


class Retention(_Section):
    """`[retention]`: what ages out, under `[retention.<table>]`; `scores`: tiers, network too; `lists`: reports, logs too."""

    history_days: int = Field(
        default=30, ge=1, description="Days for which past versions of tables are kept, so that past nights can be verified."
    )
    content: Keep = Keep()
    events: Keep = Keep()
    orders: Keep = Keep()
    contacts: Keep = Keep()
    feedback: Keep = Keep()
    figures: Keep = Keep()
    quarantine: Keep = Keep()
    scores: Keep = Keep()
    lists: Keep = Keep()

    def days(self, *names: str) -> dict[str, int]:
        """Name → days kept, for those of the names that are not kept for ever."""
        kept = {name: getattr(self, section_of(name)).keep_days for name in names}
        return {name: days for name, days in kept.items() if days is not None}


class Settings(BaseSettings):
    """Everything `evenfall.toml` may say."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True, env_prefix="EVENFALL_", env_nested_delimiter="__")

    community: Community = Community()
    lake: LakePlace = LakePlace()
    churn: Churn = Churn()
    value: Value = Value()
    run: Run = Run()
    sources: dict[str, SourceSettings | tuple[SourceSettings, ...]]
    validation: Validation = Validation()
    prediction: PredictionSettings = PredictionSettings()
    training: Training = Training()
    gate: GatePolicy = GatePolicy()
    tiers: TierPolicy = TierPolicy()
    lifecycle: LifecyclePolicy | None = None
    scores: ScorePolicy = ScorePolicy()
    risk: RiskPolicy = RiskPolicy()
    groups: GroupPolicy = GroupPolicy()
    network: NetworkPolicy = NetworkPolicy()
    lists: Lists = Lists()
    actions: tuple[Action, ...] | None = None
    contact_policy: ContactPolicy = ContactPolicy()
    content: ContentPolicy = ContentPolicy()
    recognition: RecognitionPolicy = RecognitionPolicy()
    badges: tuple[Badge, ...] = ()
    goals: Goals = ()
    access: Access = Access()
    door: Door = Door()
    show: ShowPolicy = ShowPolicy()
    partners: PartnerPolicy = PartnerPolicy()
    alerts: Alerts = Alerts()
    reports: tuple[ReportEdition, ...] = ()
    retention: Retention = Retention()
    scale: Scale = Scale()

    @model_validator(mode="before")
    @classmethod
    def _one_or_many(cls, raw: Any) -> Any:
        """Turn every source into a tuple, so that a mistake is reported once and with the number of its source."""
        sources = raw.get("sources") if isinstance(raw, dict) else None
        if isinstance(sources, dict):
            raw = {**raw, "sources": {name: tuple(s) if isinstance(s, list) else (s,) for name, s in sources.items()}}
        return raw

    @field_validator("sources", mode="before")
    @classmethod
    def _parse_sources(cls, sources: Any) -> Any:
        if not isinstance(sources, dict):
            raise ValueError("write one [sources.<table>] section for each table")
        sections = [section_of(table) for table in TABLES]
        for name in sources:
            if name not in sections:
                raise ValueError(f"unknown table {name!r}; {nearest(name, sections)}")
        if not set(sources) & set(ACTIVITY_TABLES):
            raise ValueError("a community needs [sources.events] or [sources.orders]")
        return sources

    @model_validator(mode="after")
    def _actions_that_can_be_judged(self) -> Self:
        check_actions(self.actions or ())
        for action in self.actions or ():
            if action.outcome == SPENT and not self.table_sources("orders"):
                raise ValueError(f"action {action.name!r} is judged by what members spent, and there is no [sources.orders]")
            try:
                read_expression(action.audience)
            except (ManyRowsError, NotReadError) as error:
                raise ValueError(
                    f"action {action.name!r}: the audience {action.audience!r} is no condition on one member: {error}"
                ) from None
        return self

    @model_validator(mode="after")
    def _badges_that_can_be_earned(self) -> Self:
        check_badges(self.badges, self.recognition.levels)
        for badge in self.badges:
            try:
                read_expression(badge.rule)
            except (ManyRowsError, NotReadError) as error:
                raise ValueError(
                    f"badge {badge.name!r}: the rule {badge.rule!r} is no condition on one member: {error}"
                ) from None
        return self

    @model_validator(mode="after")
    def _sources_that_fit(self) -> Self:
        for name in self.sources:
            sources = self.table_sources(name)
            check_sources_of_figures(name, sources)
            if name == "members" and any(source.whose_keys for source in sources):
                raise ValueError("`keys` is no setting of members: each source owns the columns it maps")
            if name != "orders" and any(source.lines == "add" for source in sources):
                raise ValueError(f"`lines` is for orders; {name} has no lines that add up")
            if any(source.whose_keys == "shared" for source in sources) and len({source.lines for source in sources}) > 1:
                raise ValueError(f'{name}: with `keys = "shared"` the lines of all sources add up, or of none')
            try:
                identify(name, sources)
            except ConfigurationError as error:
                raise ValueError(f"{error.what}; {error.remedy}") from None
        return self

    @model_validator(mode="after")
    def _goals_whose_figure_arrives(self) -> Self:
        for goal in self.goals:
            if goal.is_of_platform and not self.table_sources(PLATFORM_FIGURES.name):
                raise ValueError(f"goal {goal.key!r}: no platform gives {goal.figure!r}; there is no [sources.figures]")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the signature is pydantic's
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let the environment win over the file, which arrives as the initial values."""
        return env_settings, init_settings

    @property
    def lifecycle_policy(self) -> LifecyclePolicy:
        """The lifecycle policy: as configured, else derived from the churn horizon."""
        return self.lifecycle or LifecyclePolicy.for_horizon(self.churn.horizon_days)

    def table_sources(self, table: str) -> tuple[SourceSettings, ...]:
        """Return the sources of a table in their order; empty when it has none."""
        configured = self.sources.get(section_of(table), ())
        return configured if isinstance(configured, tuple) else (configured,)


def load_settings(workspace: Path) -> Settings:
    """Read and check a workspace's configuration.

    Args:
        workspace: The folder that holds `evenfall.toml`.

    Raises:
        ConfigurationError: The file is missing or unreadable, is not TOML, or has an unknown key or a wrong value.
    """
    file = workspace / CONFIGURATION_FILE
    try:
        raw = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigurationError(
            f"there is no {CONFIGURATION_FILE} in {workspace}",
            remedy="Name the right folder with --workspace, or make one with `evenfall init --workspace DIR`.",
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file} is not valid TOML: {error}", remedy="Correct that line.") from error
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror}", remedy="Check its permissions.") from error
    try:
        return Settings(**raw)
    except ValidationError as error:
        raise ConfigurationError(
            f"{file}: {describe_mistakes(error, raw, fields=Settings.model_fields)}",
            remedy="Correct it; docs/configuration.md lists every key.",
        ) from error
