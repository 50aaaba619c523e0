from __future__ import annotations

import base64

import pytest

from lake.errors import ConfigurationError, OutsideServiceError
from outputs.alerts import Alert, mail_alert, post_alert
from tests.catchers import mail_server, webhook

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
    assert post["text"].startswith("Büchershop Bcc: all@shop.example: the night of 2011-08-31 failed (exit code 3).")
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
