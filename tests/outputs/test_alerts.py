from __future__ import annotations

import base64
import socket
from typing import Any

import pytest

from lake.errors import ConfigurationError, OutsideServiceError
from outputs.alerts import Alert, check_written, mail_alert, post_alert
from tests.catchers import mail_server, webhook
from wording.language import speaking
from wording.texts import fill

ALERT = Alert(
    "Büchershop\nBcc: all@shop.example",
    "the night of 2011-08-31",
    "failed",
    3,
    ("Too many rows are bad.", "3 of 9."),
    "Repair it.",
)
LETTER = {"sender": "night@shop.example", "recipients": ["ops@shop.example", "data@shop.example"]}


def test_an_alert_reaches_a_webhook_as_words_and_as_facts() -> None:
    with webhook() as caught:
        post_alert(ALERT, url=f"http://127.0.0.1:{caught.port}/hooks/secret")
    (post,) = caught.posts
    assert post["text"].startswith(
        "Büchershop Bcc: all@shop.example: the night of 2011-08-31 failed: its data are not fit (exit code 3)."
    )
    assert post["text"].endswith("What to do: Repair it.")
    assert (post["outcome"], post["exit_code"], post["says"]) == ("failed", 3, ["Too many rows are bad.", "3 of 9."])


def test_an_alert_reaches_everyone_by_mail_and_nobody_else() -> None:
    with mail_server() as caught:
        mail_alert(ALERT, server=f"smtp://127.0.0.1:{caught.port}", **LETTER)
    (letter,) = caught.letters
    assert letter["Subject"] == ALERT.subject
    assert letter["Bcc"] is None
    assert [said for said in caught.said if said.upper().startswith("RCPT")] == [
        "rcpt TO:<ops@shop.example>", "rcpt TO:<data@shop.example>",
    ]  # fmt: skip
    assert letter.get_content().replace("\r\n", "\n").strip() == ALERT.text


def test_a_mail_server_is_told_user_and_password_as_they_are() -> None:
    with mail_server() as caught:
        mail_alert(ALERT, server=f"smtp://ann:p%40ss%2Fword@127.0.0.1:{caught.port}", **LETTER)
    (login,) = [said for said in caught.said if said.startswith("AUTH")]
    assert base64.b64decode(login.split(" ")[-1]) == b"\0ann\0p@ss/word"


@pytest.mark.parametrize("answer", [302, 404, 500])
def test_a_webhook_that_does_not_take_it_is_an_outside_failure_without_the_address(answer: int) -> None:
    with webhook(answer=answer) as caught, pytest.raises(OutsideServiceError) as error:
        post_alert(ALERT, url=f"http://127.0.0.1:{caught.port}/hooks/secret")
    assert "secret" not in str(error.value)


def test_a_mail_server_that_refuses_is_an_outside_failure_without_what_it_repeats() -> None:
    with mail_server(refuses=True) as caught, pytest.raises(OutsideServiceError) as error:
        mail_alert(ALERT, server=f"smtp://ann:moon-and-stars@127.0.0.1:{caught.port}", **LETTER)
    assert caught.letters == []
    encoded = base64.b64encode(b"\0ann\0moon-and-stars").decode()
    assert not any(secret in str(error.value) for secret in ("moon-and-stars", encoded))


def test_nobody_listening_is_an_outside_failure() -> None:
    with webhook() as gone:
        pass
    with pytest.raises(OutsideServiceError):
        post_alert(ALERT, url=f"http://127.0.0.1:{gone.port}/")
    with pytest.raises(OutsideServiceError):
        mail_alert(ALERT, server=f"smtp://127.0.0.1:{gone.port}", **LETTER)


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://host/x", "sekret", "http://", "http://host:sekret/", "http://ho st/sekret"]
)
def test_what_is_no_web_address_is_not_opened_and_not_shown(url: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        post_alert(ALERT, url=url)
    assert "sekret" not in str(error.value)


@pytest.mark.parametrize("kind", ["webhook", "smtp"])
@pytest.mark.parametrize(
    "host",
    ["169.254.169.254", "2852039166", "0xa9fea9fe", "169.254.43518", "[fe80::1]", "[fe80::1%25eth0]", "[::ffff:169.254.169.254]",
     "[fd00:ec2::254]"],
)  # fmt: skip
def test_a_link_local_address_is_refused_when_it_is_read(kind: Any, host: str) -> None:
    with pytest.raises(ConfigurationError, match="link-local") as error:
        check_written(f"{'http' if kind == 'webhook' else 'smtp'}://{host}/latest?sekret", key=kind)
    assert "sekret" not in str(error.value)


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost", "[::1]", "10.1.2.3", "192.168.0.9", "chat.example", "${HOST}"])
def test_a_loopback_or_private_address_is_no_link_local_one(host: str) -> None:
    check_written(f"http://{host}/hooks/${{TOKEN}}", key="webhook")


def names(monkeypatch: pytest.MonkeyPatch, *answers: str) -> None:
    """Let every name stand for one address after another, as a name server of an attacker does."""
    left = list(answers)

    def resolve(_host: str, port: Any, *_: Any, **__: Any) -> list[Any]:
        address = left.pop(0) if len(left) > 1 else left[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port or 0))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


def test_a_name_that_stands_for_a_link_local_address_alone_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with webhook() as caught:
        names(monkeypatch, "169.254.169.254")
        with pytest.raises(ConfigurationError, match="leads to a link-local"):
            post_alert(ALERT, url=f"http://chat.example:{caught.port}/")
        names(monkeypatch, "127.0.0.1")
        post_alert(ALERT, url=f"http://chat.example:{caught.port}/")
    assert len(caught.posts) == 1


def test_nothing_is_sent_where_the_other_end_turns_out_to_be_link_local(monkeypatch: pytest.MonkeyPatch) -> None:
    with webhook() as caught:
        # No machine lets a test listen on a link-local address: loopback stands for one, once the name has been looked up.
        monkeypatch.setattr("outputs.alerts.is_link_local", lambda host: host == "127.0.0.1")
        with pytest.raises(OutsideServiceError):
            post_alert(ALERT, url=f"http://localhost:{caught.port}/")
    assert caught.posts == []


def test_a_redirect_is_not_followed() -> None:
    with (
        webhook() as other,
        webhook(answer=302, location=f"http://127.0.0.1:{other.port}/") as caught,
        pytest.raises(OutsideServiceError, match="answered 302"),
    ):
        post_alert(ALERT, url=f"http://127.0.0.1:{caught.port}/")
    assert (len(caught.posts), other.asked) == (1, 0)


def test_an_alert_is_in_the_language_that_is_spoken() -> None:
    with speaking("zh"):
        alert = Alert("读书会", fill("alert.night", of="2026-11-28"), "warned", 0, ("数据到得太晚。",), remedy="查看数据源。")
        assert alert.subject == "读书会：2026-11-28的每日任务已完成，但有警告"
        assert alert.text.startswith(f"{alert.subject}。")
        assert alert.text.endswith("处理办法：查看数据源。")
