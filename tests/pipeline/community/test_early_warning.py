"""A night's alarms in a lake: told once by one message, kept, listed, acknowledged; nothing of members who refuse."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from community.figures import FIGURES_SCHEMA
from flows.doctor.nights import look_at_last_nights
from lake.arrivals import ARRIVALS, REFUSALS
from lake.arrivals import SCHEMA as ARRIVALS_SCHEMA
from lake.contracts import TABLES
from lake.member_index import MEMBER_INDEX
from lake.refusals import SCHEMA
from lake.storage.delta import DAY
from outputs.report.morning_facts import MorningFacts
from pipeline.app.past_nights import past_nights
from pipeline.community.early_warning import ALERTS, decide
from pipeline.community.figures import FIGURES
from pipeline.community.morning import judge_figures
from pipeline.community.silent_sources import silent_sources
from pipeline.community.warning_message import alert_of_night
from pipeline.stored_nights import SCORES
from runtime.logged_run import logged
from runtime.run_context import RunContext, open_run
from tests.catchers import webhook
from tests.nights import evenfall

FIRST = date(2025, 1, 1)
NIGHT = date(2025, 9, 1)
DAYS = (NIGHT - FIRST).days + 1
SETTINGS = """\
[community]
name = "Planted"
[sources.events]
path = "landing/*.csv"
[alerts]
send_to = ["json://127.0.0.1:{port}/${{TOKEN}}"]
"""


def write_figures(run: RunContext, *, falls: int, after: int = 5) -> None:
    """Activity on two platforms; that of one falls to 40 % on the last days before the night, and nothing is usual after it."""
    days = [FIRST + timedelta(days=n) for n in range(DAYS + after)]
    rows = []
    for seed, (name, members) in enumerate((("ios", 400.0), ("web", 500.0), ("tv", 6.0))):
        dau = np.random.default_rng(seed).poisson(members / 2, len(days)).astype(float)
        dau[DAYS - falls : DAYS] = np.round(dau[DAYS - falls : DAYS] * (0.4 if name == "ios" else 1.0))
        dau[DAYS:] *= 9
        for figure, values in (("dau", dau), ("members", np.full(len(days), members))):
            rows.append((figure, f"platform={name}", values))
    whole = [(figure, "", sum(values for name, _, values in rows if name == figure)) for figure in ("dau", "members")]
    frames = [
        pl.DataFrame({"day": days, "figure": figure, "dimension": dimension, "value": values}, schema=FIGURES_SCHEMA)
        for figure, dimension, values in (*rows, *whole)
    ]
    run.workspace.lake.replace(FIGURES, pl.concat(frames))


@pytest.fixture
def lake_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TOKEN", "moon-and-stars")

    def make(port: int = 1) -> Path:
        (tmp_path / "landing").mkdir(exist_ok=True)
        (tmp_path / "evenfall.toml").write_text(SETTINGS.format(port=port), encoding="utf-8")
        lake = open_run(tmp_path, NIGHT).workspace.lake
        lake.replace_days("events", pl.DataFrame(schema={**TABLES["events"].landed_schema, DAY: pl.Date()}), days=set())
        return tmp_path

    return make


def night(folder: Path, on: date = NIGHT, *, falls: int = 3) -> tuple[RunContext, MorningFacts]:
    run = open_run(folder, on)
    write_figures(run, falls=falls)
    scores = pl.DataFrame({"as_of": [on], "member_no": [1]}, schema_overrides={"member_no": pl.Int32})
    run.workspace.lake.replace_days(SCORES, scores, days={on}, column="as_of")
    morning = decide(run, judge_figures(run))
    assert morning is not None
    return run, morning


def test_a_night_sends_one_message_that_names_the_platform_and_the_same_night_no_second(lake_of) -> None:
    with webhook() as caught:
        folder = lake_of(caught.port)
        for _ in range(2):
            run, morning = night(folder)
            alert_of_night(run, [], morning)
        later, morning = night(folder, NIGHT + timedelta(days=1), falls=3)
        alert_of_night(later, ["orders: far fewer rows than usual."], morning)
    first, second = caught.posts
    assert first["title"] == f"Planted: early warning of the night of {NIGHT}"
    assert "Fewer members come" in first["message"]
    assert "Most of it comes from platform ios" in first["message"]
    assert "since 30 Aug 2025" in first["message"]
    assert "platform tv" not in first["message"]
    assert "moon-and-stars" not in str(caught.posts)
    assert "orders: far fewer rows" in second["message"]


def test_the_log_doctor_and_door_know_which_nights_warned_and_no_secret(lake_of) -> None:
    folder = lake_of()
    for on, warnings in ((NIGHT, []), (NIGHT + timedelta(days=1), ["orders: far fewer rows than usual.", "moon-and-stars"])):
        run = open_run(folder, on)
        with logged(run, "nightly"):
            alert_of_night(run, warnings, None)
    assert [(one.night, one.state) for one in past_nights(run)] == [(run.as_of, "warned"), (NIGHT, "done")]
    (found,) = look_at_last_nights(run.workspace)
    assert [line.rpartition(", exit ")[2] for line in found.says.splitlines()] == ["0, 2 warnings", "0"]
    assert "moon-and-stars" not in (folder / "logs" / f"{run.as_of}.jsonl").read_text()


def test_an_alarm_is_numbered_kept_listed_and_acknowledged(lake_of) -> None:
    folder = lake_of()
    run, morning = night(folder)
    assert [one.number for one in morning.warning.alarms] == [1]
    listed = evenfall("alerts", "--workspace", folder)
    assert listed.out.splitlines()[0] == "Alerts of the night of 1 Sep 2025:"
    assert listed.out.splitlines()[1].startswith("1. Fewer members come: ")
    assert evenfall("alerts", "--workspace", folder, "--acknowledge", "7").code == 2
    assert evenfall("alerts", "--workspace", folder, "--mute", "dua", "--until", "2025-09-09").code == 2
    assert evenfall("alerts", "--workspace", folder, "--mute", "dau", "--until", "soon").code == 2
    assert evenfall("alerts", "--workspace", folder, "--mute", "dau").code == 2
    assert evenfall("alerts", "--workspace", folder, "--acknowledge", "1").code == 0
    assert "Acknowledged." in evenfall("alerts", "--workspace", folder).out
    _, again = night(folder)
    assert [(one.number, one.is_to_send) for one in again.warning.alarms] == [(1, False)]
    assert run.workspace.lake.scan(ALERTS).collect().height == 1


def test_a_muted_figure_sends_nothing_until_its_day(lake_of) -> None:
    folder = lake_of()
    night(folder)
    assert evenfall("alerts", "--workspace", folder, "--mute", "dau", "--until", NIGHT).code == 0
    _, morning = night(folder)
    assert [(one.state, one.is_to_send) for one in morning.warning.alarms] == [("muted", False)]


def test_an_alert_that_nobody_could_be_told_is_sent_by_the_next_night(lake_of, capsys: pytest.CaptureFixture[str]) -> None:
    with webhook() as gone:
        pass
    folder = lake_of(gone.port)
    run, morning = night(folder)
    alert_of_night(run, [], morning)
    assert "not delivered" in capsys.readouterr().err
    _, again = night(folder)
    assert [one.is_to_send for one in again.warning.alarms] == [True]


def test_what_comes_after_the_night_changes_nothing(lake_of) -> None:
    folder = lake_of()
    _, morning = night(folder)
    run = open_run(folder, NIGHT)
    write_figures(run, falls=3, after=0)
    again = decide(run, judge_figures(run))
    assert again is not None
    assert again.warning.alarms == morning.warning.alarms


def test_nights_that_are_missing_are_told_by_the_next(lake_of) -> None:
    folder = lake_of()
    run = open_run(folder, NIGHT)
    for back in (10, 9, 8, 7, 6):
        before = NIGHT - timedelta(days=back)
        scores = pl.DataFrame({"as_of": [before], "member_no": [1]}, schema_overrides={"member_no": pl.Int32})
        run.workspace.lake.replace_days(SCORES, scores, days={before}, column="as_of")
    _, morning = night(folder, falls=0)
    (known,) = morning.warning.alarms
    assert (known.alarm.subject, known.alarm.now, known.alarm.since) == ("nights", 6.0, NIGHT - timedelta(days=5))


def test_one_of_two_sources_that_brings_nothing_new_for_twice_its_longest_pause_is_told(lake_of) -> None:
    folder = lake_of()
    two = "".join(f'[[sources.events]]\nname = "{name}"\npath = "{name}/*.csv"\n' for name in ("app", "forum"))
    (folder / "evenfall.toml").write_text(f'[community]\nname = "Planted"\n{two}', encoding="utf-8")
    # The app brings something every night but two that lie a weekend apart; what is not new is no sign of life.
    landed = [("app", back, 9) for back in (20, 19, 16, 15, 14, 13, 12, 11, 10, 9)]
    landed += [("forum", back, 5) for back in range(20)] + [("app", 0, 0), ("app", -3, 9)]
    rows = [{"table": "events", "source": name, "as_of": NIGHT - timedelta(days=back), "landed": n} for name, back, n in landed]
    lake = open_run(folder, NIGHT).workspace.lake
    lake.replace(ARRIVALS, pl.DataFrame(rows, schema=ARRIVALS_SCHEMA))
    (alarm,) = silent_sources(open_run(folder, NIGHT))
    assert (alarm.subject, alarm.now, alarm.usual) == ("source:events 'app'", 9, 3)
    assert alarm.since == NIGHT - timedelta(days=8)
    assert not list(silent_sources(open_run(folder, NIGHT - timedelta(days=3))))
    _, morning = night(folder, falls=0)
    assert [one.alarm.subject for one in morning.warning.alarms] == [alarm.subject]
    said = evenfall("alerts", "--workspace", folder).out.splitlines()[1]
    assert said == (
        "1. The source events 'app' has brought nothing new for 9 days; its longest pause was 3 days. "
        "Look whether the export is whole."
    )


def test_words_of_members_who_refuse_and_names_are_not_told(lake_of) -> None:
    folder = lake_of()
    run = open_run(folder, NIGHT)
    lake, members = run.workspace.lake, 40
    ids = [f"m{number}" for number in range(members)]
    index = {"member_no": range(members), "member_id": ids}
    lake.replace(MEMBER_INDEX, pl.DataFrame(index, schema_overrides={"member_no": pl.Int32}))
    named = [{"member_id": ids[0], "display_name": "Annabel Lee"}]
    lake.replace("members", pl.DataFrame(named, schema=TABLES["members"].landed_schema))
    texts = [(n % 20, NIGHT - timedelta(days=10 + n % 50), "which coffee do you like") for n in range(200)]
    texts += [(n, NIGHT, "annabel and the refunds are terrible") for n in range(8)]
    texts += [(20 + n, NIGHT, "wiretapping is terrible") for n in range(8)]
    answers = [
        {
            "feedback_id": str(place),
            "member_id": ids[who],
            "answered_at": datetime.combine(day, datetime.min.time(), UTC),
            "text": text,
            "event_date": day,
        }
        for place, (who, day, text) in enumerate(texts)
    ]
    landed = pl.DataFrame(answers, schema={**TABLES["feedback"].landed_schema, DAY: pl.Date()})
    lake.replace_days("feedback", landed, days=set(landed[DAY]))
    refuses = [{"member_id": ids[20 + n], "source": "x", "refuses_profile": True} for n in range(8)]
    lake.replace(REFUSALS, pl.DataFrame(refuses, schema=SCHEMA))
    _, morning = night(folder, falls=0)
    words = {word for one in morning.warning.alarms for word in one.alarm.words}
    assert "refunds" in words
    assert not words & {"annabel", "wiretapping"}
