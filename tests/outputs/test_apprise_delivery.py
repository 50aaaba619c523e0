from __future__ import annotations

import socket
from typing import Any

import pytest

from lake.errors import ConfigurationError, OutsideServiceError
from outputs.apprise_delivery import check_address, check_filled_in_address, send_alert
from tests.catchers import webhook
from tests.outputs.test_alerts import ALERT


def test_an_alert_reaches_a_service_whole() -> None:
    with webhook() as caught:
        send_alert(ALERT, address=f"json://127.0.0.1:{caught.port}/hooks/secret")
    (post,) = caught.posts
    assert post["title"] == ALERT.subject
    assert post["message"] == ALERT.text


@pytest.mark.parametrize("answer", [302, 404, 500])
def test_a_service_that_does_not_take_it_is_an_outside_failure_without_the_address(answer: int) -> None:
    refused = pytest.raises(OutsideServiceError, match="json did not take it")
    with (
        webhook() as elsewhere,
        webhook(answer=answer, location=f"http://127.0.0.1:{elsewhere.port}/") as caught,
        refused as error,
    ):
        send_alert(ALERT, address=f"json://127.0.0.1:{caught.port}/hooks/sekret")
    assert "sekret" not in str(error.value)
    assert (elsewhere.posts, elsewhere.asked) == ([], 0)


@pytest.mark.parametrize(
    "address",
    ["json://169.254.169.254/sekret", "jsons://[fe80::1]/sekret", "mailto://u:sekret@2852039166", "syslog://sekret",
     "no-address-sekret", "json://host/a b sekret"],
)  # fmt: skip
def test_what_must_not_be_used_is_refused_when_it_is_read_and_not_shown(address: str) -> None:
    with pytest.raises(ConfigurationError, match="send_to") as error:
        check_address(address)
    assert "sekret" not in str(error.value)


@pytest.mark.parametrize(
    "address", ["wecombot://${KEY}", "${ALL}", "dingtalk://TOKEN/", "json://127.0.0.1:80/x", "tgram://1:a/2"]
)
def test_what_apprise_may_know_is_allowed(address: str) -> None:
    check_address(address)


@pytest.mark.parametrize("address", ["nosuchservice://sekret", "slack://sekret"])
def test_what_apprise_does_not_know_is_the_configurations_fault(address: str) -> None:
    with pytest.raises(ConfigurationError, match="send_to") as error:
        check_filled_in_address(address)
    assert "sekret" not in str(error.value)


def test_a_host_is_looked_up_and_a_token_never(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def resolve(host: str, *_: Any, **__: Any) -> list[Any]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("169.254.169.254", 0))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    check_filled_in_address("wecombot://abcdefgh-key")
    assert asked == []
    with pytest.raises(ConfigurationError, match="leads to a link-local"):
        check_filled_in_address("json://chat.example/")
