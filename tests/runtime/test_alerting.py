"""Whoever is on call hears of it, and the night ends as it would have without."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from lake.errors import ConfigurationError, DataError, EvenfallError, OutsideServiceError
from outputs.publishing.database import publish_members
from runtime.alerting import alert_of_warnings, alerted, without_secrets
from runtime.completed_steps import done_so_far, naming_completed_steps
from runtime.logged_run import logged
from runtime.os_errors import translate_os_error
from runtime.run_context import RunContext, open_run
from tests.catchers import mail_server, webhook
from tests.communities import LAST_DAY, SHOP, write_shop
from wording.language import speaking


def night_with(folder: Path, alerts: str) -> RunContext:
    write_shop(folder, configuration=f"{SHOP}\n[alerts]\n{alerts}\n")
    return open_run(folder, LAST_DAY)


def test_a_failed_night_is_told_by_webhook_and_mail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with webhook() as chat, mail_server() as mail:
        monkeypatch.setenv("HOOK_TOKEN", "moon-and-stars")
        run = night_with(
            tmp_path,
            f'webhook = "http://127.0.0.1:{chat.port}/${{HOOK_TOKEN}}"\nsmtp = "smtp://127.0.0.1:{mail.port}"\n'
            'mail_from = "night@shop.example"\nmail_to = ["ops@shop.example"]',
        )
        with pytest.raises(DataError), alerted(run, "nightly"):
            raise DataError("orders: 9 of 10 rows are bad, says moon-and-stars", remedy="Repair the export.")
    (post,) = chat.posts
    assert post["says"] == ["orders: 9 of 10 rows are bad, says ***"]
    assert (post["exit_code"], post["remedy"], post["night"]) == (3, "Repair the export.", f"the night of {LAST_DAY}")
    (letter,) = mail.letters
    assert letter["Subject"] == f"Small shop: the night of {LAST_DAY} failed: its data are not fit (exit code 3)"


def test_a_failed_night_is_told_in_the_language_of_the_community(tmp_path: Path) -> None:
    with webhook() as chat:
        run = night_with(tmp_path, f'webhook = "http://127.0.0.1:{chat.port}/"')
        what = "9 of 10 arrived orders rows are bad (90%); at most 20% may be. They are bad because members are."
        with pytest.raises(DataError), speaking("zh"), alerted(run, "nightly"):
            raise DataError(what, remedy="Repair it. Nothing landed. The whole story: checks.html")
    (post,) = chat.posts
    assert post["says"] == ["到达的10行订单里有9行不合格（90%），最多允许20%。原因是成员不合格。"]
    assert post["remedy"] == "Repair it.本次没有任何数据入库。详情见：checks.html"
    assert "运行失败：数据不合格（退出码3）" in post["text"]


def repeat_a_librarys_words() -> None:
    try:
        int("ann-of-row-7")
    except ValueError as error:
        raise DataError(f"orders: {error}", remedy=f"Correct it ({error}).") from None


def test_an_alert_and_the_log_have_our_words_and_never_a_librarys(tmp_path: Path) -> None:
    members = pl.DataFrame({"as_of": [LAST_DAY], "member_id": ["ann-of-row-7"]})
    with closing(sqlite3.connect(tmp_path / "lists.db")) as lists:
        lists.execute("CREATE TABLE evenfall_members (as_of, member_id)")
        speaks = "CREATE TRIGGER t BEFORE INSERT ON evenfall_members BEGIN SELECT RAISE(ABORT, 'not ann-of-row-7, she left'); END"
        lists.execute(speaks)
    with webhook() as chat:
        run = night_with(tmp_path, f'webhook = "http://127.0.0.1:{chat.port}/"')
        with pytest.raises(OutsideServiceError) as told, alerted(run, "nightly"), logged(run, "nightly"):
            publish_members(f"sqlite:///{tmp_path / 'lists.db'}", table="evenfall_members", members=members, as_of=LAST_DAY)
        with pytest.raises(DataError), alerted(run, "nightly"), logged(run, "nightly"):
            repeat_a_librarys_words()
    assert "ann-of-row-7" in str(told.value)
    assert "could not be changed: IntegrityError" in chat.posts[0]["text"]
    assert (chat.posts[1]["says"], chat.posts[1]["remedy"]) == (
        ["orders: (see the terminal)"],
        "Correct it ((see the terminal)).",
    )
    (log,) = (tmp_path / "logs").iterdir()
    assert "ann-of" not in log.read_text() + str(chat.posts)


def test_what_a_night_did_after_its_lists_is_told_exactly(tmp_path: Path) -> None:
    with webhook() as chat:
        run = night_with(
            tmp_path, f'webhook = "http://127.0.0.1:{chat.port}/"\n[lists]\npublish_uri = "sqlite:////nowhere/lists.db"'
        )
        before = ("publishing the lists", "publishing to the database", "counting the figures", "judging the figures")
        for step in (*before, "measuring what matured"):
            with run.step(step):
                pass
        with pytest.raises(OutsideServiceError) as told, naming_completed_steps(run), run.step("writing the report"):
            raise OutsideServiceError("no disk", remedy="Free space.", detail="disk 7")
        with pytest.raises(KeyError) as bug, alerted(run, "nightly"), naming_completed_steps(run):
            raise KeyError("c001")
    done = (
        f"the lists of {LAST_DAY} are out, and done are the database, the daily figures, what the figures say, "
        "the figures of what matured; "
        "not done: the alarms, the effects of contacts, the report, the record in MLflow and Prefect, "
        "the removal of old versions of tables"
    )
    assert told.value.what == f"{done}: no disk"
    assert told.value.remedy == "Free space. The lists stay; run the night again for the rest."
    assert told.value.detail == "disk 7"
    assert bug.value.__notes__ == [done]
    assert (done_so_far(replace(run, asked=None)) or "").startswith("the lists are out, and done are the database, ")
    assert chat.posts[0]["says"][1] == f"{done}."


def test_a_bug_is_told_by_its_kind_and_not_by_its_words(tmp_path: Path) -> None:
    with webhook() as chat:
        run = night_with(tmp_path, f'webhook = "http://127.0.0.1:{chat.port}/"')
        with pytest.raises(KeyError), alerted(run, "nightly"):
            raise KeyError("c001 of Ann")
    (post,) = chat.posts
    assert post["exit_code"] == 1
    assert "KeyError" in post["text"]
    assert "c001" not in post["text"]


def test_an_alert_that_cannot_be_sent_changes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with webhook() as gone:
        pass
    run = night_with(tmp_path, f'webhook = "http://127.0.0.1:{gone.port}/hooks/secret"')
    with pytest.raises(OutsideServiceError, match="the database did not answer"), alerted(run, "nightly"):
        raise OutsideServiceError("the database did not answer", remedy="Wait.")
    told = capsys.readouterr().err
    assert "an alert was not delivered" in told
    assert "secret" not in told


@pytest.mark.parametrize(("wanted", "posts"), [("warning", 1), ("failure", 0)])
def test_a_night_with_warnings_is_told_when_wanted(tmp_path: Path, wanted: str, posts: int) -> None:
    with webhook() as chat:
        run = night_with(tmp_path, f'webhook = "http://127.0.0.1:{chat.port}/"\non = "{wanted}"')
        alert_of_warnings(run, [])
        alert_of_warnings(run, ["orders: far fewer rows than usual."])
    assert len(chat.posts) == posts


def test_without_an_address_nothing_is_sent(tmp_path: Path) -> None:
    run = night_with(tmp_path, 'on = "failure"')
    with pytest.raises(DataError), alerted(run, "nightly"):
        raise DataError("x", remedy="y")


@pytest.mark.parametrize(
    "alerts",
    ['smtp = "smtp://mail.example"', 'mail_to = ["ops@shop.example"]',
     'webhook = "file:///etc/passwd"', 'webhook = "ftp://chat.example/x"', 'webhook = "chat.example/hooks/x"',
     'webhook = "http://169.254.169.254/latest"', 'webhook = "http://[fe80::1]/x"',
     'smtp = "smtp://m"\nmail_from = "a@b"\nmail_to = ["ops\\nBcc: x@y"]', 'wehbook = "http://x"'],
)  # fmt: skip
def test_half_an_address_is_the_configurations_fault(tmp_path: Path, alerts: str) -> None:
    with pytest.raises(ConfigurationError, match="alerts"):
        night_with(tmp_path, alerts)


def test_secrets_are_taken_out_however_they_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_PASSWORD", "p@ss/word")
    uri = 'publish_uri = "postgresql://ann:${SHOP_PASSWORD}@host/shop"\n[sources.members]\nquery = "SELECT 1"'
    write_shop(tmp_path, configuration=f'{SHOP}\n[lists]\n{uri}\nuri = "postgresql://bob:plain-secret@host/shop"\n')
    settings = open_run(tmp_path, LAST_DAY).settings
    told = without_secrets("p@ss/word p%40ss%2Fword plain-secret shop", settings)
    assert told == "*** *** *** shop"


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (OSError(28, "No space left on device", "lists/x"), OutsideServiceError),
        (MemoryError(), OutsideServiceError),
        (RuntimeError("OSError: Generic LocalFileSystem error: No space left on device (os error 28)"), OutsideServiceError),
        (RuntimeError("Cannot create flow run. Failed to reach API at http://127.0.0.1:4200/api/."), OutsideServiceError),
        (RuntimeError("Timed out while attempting to connect to ephemeral Prefect API server."), OutsideServiceError),
        (OSError(30, "Read-only file system"), ConfigurationError),
        (PermissionError(13, "Permission denied"), ConfigurationError),
        (ValueError("a value"), None),
        (FileNotFoundError(2, "No such file"), None),
    ],
)
def test_trouble_of_the_machine_is_told_from_bugs(error: Exception, kind: type[EvenfallError] | None) -> None:
    outer = RuntimeError("something else")
    outer.__cause__ = error
    for one in (error, outer):
        found = translate_os_error(one)
        assert (None if found is None else type(found)) is kind
