"""A page that stays open: a real chromium driven over its own debugging socket, for pages that live on a connection."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.sync.client import ClientConnection, connect

from tests.browser import PATIENCE_SECONDS, QUIET


class LivePage:
    """One open tab."""

    def __init__(self, socket: ClientConnection) -> None:
        self.address = ""
        self.errors: list[str] = []
        self.requests: list[str] = []
        self._socket = socket
        self._count = 0
        self._send("Page.enable")
        self._send("Runtime.enable")
        self._send("Log.enable")
        self._send("Network.enable")

    def go(self, address: str) -> None:
        """Open an address."""
        self._send("Page.navigate", url=address)

    def evaluate(self, script: str) -> Any:
        """The value of a JavaScript expression; None while the page has none."""
        answer = self._send("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        return answer.get("result", {}).get("value")

    def text(self) -> str:
        """What a person reads on the page, shadow trees included."""
        return str(self.evaluate(_TEXT) or "")

    def until(self, *told: str, absent: str | None = None) -> str:
        """Wait until the page says all of these; returns its text.

        Raises:
            AssertionError: It never did.
        """
        end = time.monotonic() + PATIENCE_SECONDS
        text = ""
        while time.monotonic() < end:
            text = self.text()
            if all(one in text for one in told) and (absent is None or absent not in text):
                return text
            time.sleep(0.2)
        missing = [one for one in told if one not in text]
        raise AssertionError(f"the page never said {missing}; it said:\n{text[-3000:]}")

    def until_true(self, script: str) -> None:
        """Wait until a JavaScript expression holds."""
        end = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end:
            if self.evaluate(script):
                return
            time.sleep(0.2)
        raise AssertionError(f"never true: {script}\n{self.text()[-2000:]}")

    def press(self, text: str, *, elements: str = "*") -> None:
        """Click the innermost element with exactly this text, shadow trees included."""
        self.until_true(f"({_CLICK})({json.dumps(text)}, {json.dumps(elements)})")

    def type(self, text: str) -> None:
        """Type into whatever has the focus."""
        self._send("Input.insertText", text=text)

    def key(self, key: str, code: int) -> None:
        """Press and release one key."""
        for kind in ("keyDown", "keyUp"):
            self._send(
                "Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, nativeVirtualKeyCode=code
            )

    def picture(self, path: Path) -> Path:
        """Write what is in sight as PNG."""
        path.write_bytes(base64.b64decode(self._send("Page.captureScreenshot", format="png")["data"]))
        return path

    def resize(self, width: int, height: int) -> None:
        """Give the page the size of another screen."""
        self._send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def prefer(self, colours: str) -> None:
        """Let the reader prefer `light` or `dark` pages."""
        self._send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": colours}])

    def _send(self, method: str, **params: Any) -> dict[str, Any]:
        self._count += 1
        self._socket.send(json.dumps({"id": self._count, "method": method, "params": params}))
        while True:
            answer = json.loads(self._socket.recv(timeout=PATIENCE_SECONDS))
            self._note(answer.get("method", ""), answer.get("params", {}))
            if answer.get("id") == self._count:
                assert "error" not in answer, answer
                return dict(answer["result"])

    def _note(self, method: str, params: dict[str, Any]) -> None:
        """Keep what went wrong on the page, and every address it asked for."""
        match method:
            case "Network.requestWillBeSent":
                self.requests.append(params["request"]["url"])
            case "Runtime.exceptionThrown":
                self.errors.append(str(params["exceptionDetails"]))
            case "Runtime.consoleAPICalled" if params["type"] == "error":
                self.errors.append(str(params["args"]))
            case "Log.entryAdded" if params["entry"]["level"] == "error":
                self.errors.append(params["entry"]["text"])


@contextmanager
def open_browser(*, size: str = "1400,1000") -> Iterator[LivePage]:
    """Start chromium with one empty tab; skips the test where there is no chromium."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not installed")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [
            chromium,
            *QUIET,
            f"--user-data-dir={profile}",
            f"--window-size={size}",
            "--remote-debugging-port=0",
            "about:blank",
        ]
        browser = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            with connect(_tab_address(Path(profile)), max_size=None) as socket:
                yield LivePage(socket)
        finally:
            browser.terminate()
            browser.wait(30)


def _tab_address(profile: Path) -> str:
    """The debugging address of the first tab, once chromium has said on which port it listens."""
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        try:
            port = (profile / "DevToolsActivePort").read_text().splitlines()[0]
            tabs = httpx.get(f"http://127.0.0.1:{port}/json", timeout=5).json()
            return str(next(tab["webSocketDebuggerUrl"] for tab in tabs if tab["type"] == "page"))
        except (OSError, IndexError, StopIteration, httpx.HTTPError):
            time.sleep(0.1)
    raise AssertionError("chromium does not answer")


_WALK = """
function* walk(node) {
  yield node;
  if (node.shadowRoot) yield* walk(node.shadowRoot);
  for (const child of node.children || []) yield* walk(child);
}
"""
# Every element of the page, shadow trees included.
WALK_ALL = f"() => {{ {_WALK} return [...walk(document.body)]; }}"
_TEXT = f"""(() => {{ {_WALK}
  const parts = [];
  for (const node of walk(document.body)) {{
    if (['SCRIPT', 'STYLE', 'TEMPLATE'].includes(node.tagName)) continue;
    for (const child of node.childNodes) {{
      if (child.nodeType === 3 && child.textContent.trim()) parts.push(child.textContent.trim());
    }}
  }}
  return parts.join('\\n');
}})()"""
_CLICK = f"""(text, elements) => {{ {_WALK}
  let found = null;
  for (const node of walk(document.body)) {{
    if (node.matches && node.matches(elements) && node.textContent.trim() === text) found = node;
  }}
  if (!found) return false;
  found.scrollIntoView({{block: 'center'}});
  for (const kind of ['pointerdown', 'mousedown', 'pointerup', 'mouseup']) {{
    found.dispatchEvent(new PointerEvent(kind, {{bubbles: true, composed: true, button: 0}}));
  }}
  found.click();
  return true;
}}"""
