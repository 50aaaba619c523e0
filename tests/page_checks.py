"""What every page must pass in a real browser: nothing from elsewhere, no error, no scrolling sideways, readable by all."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import axe_core_python

from tests.live_page import LivePage

PHONE, SCREEN = 390, 1280
HEIGHT: Final = 900
_GRAVE: Final = ("serious", "critical")
# The page itself and what it holds within.
_OWN_SCHEMES: Final = ("data", "blob", "about")


def check_page(page: LivePage, address: str, *, width: int, says: tuple[str, ...] = (), is_dark: bool = False) -> None:
    """Open a page of `file:` or 127.0.0.1 at a width and check it.

    Args:
        page: An open tab, by `tests.live_page.open_browser`.
        address: The page's.
        width: Of the window, such as `PHONE` or `SCREEN`.
        says: What the page has to say before it is looked at.
        is_dark: Whether the reader prefers dark pages.

    Raises:
        AssertionError: It asked another machine for something, wrote an error, scrolls sideways, or axe finds a serious or
            critical fault.
    """
    page.errors.clear()
    page.requests.clear()
    page.resize(width, HEIGHT)
    page.prefer("dark" if is_dark else "light")
    page.go(address)
    page.until_true("document.readyState === 'complete'")
    page.until(*says)
    assert page.evaluate("document.title") != ""
    outside = [asked for asked in page.requests if not _is_own(asked, address)]
    assert outside == [], f"requests to elsewhere: {outside}"
    # A browser asks every server for its icon by itself.
    errors = [error for error in page.errors if "favicon" not in error]
    assert errors == [], f"errors at {width} px: {errors}"
    wide = page.evaluate(_TOO_WIDE)
    assert wide == [], f"the page scrolls sideways at {width} px: {wide}"
    faults = grave_faults(page)
    assert faults == [], f"faults at {width} px: {faults}"


def grave_faults(page: LivePage) -> list[str]:
    """Return what axe-core calls serious or critical faults of the open page: the rule, and the elements that break it."""
    page.evaluate(_axe() + "; undefined")
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']}).then(result => result.violations)")
    assert found is not None, "axe did not run"
    return [
        f"{one['id']} ({one['impact']}): {one['help']}: {[node['html'][:160] for node in one['nodes'][:5]]}"
        for one in found
        if one["impact"] in _GRAVE
    ]


@cache
def _axe() -> str:
    return (Path(axe_core_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")


def _is_own(asked: str, address: str) -> bool:
    own, other = urlsplit(address), urlsplit(asked)
    if other.scheme in _OWN_SCHEMES:
        return True
    # A page may talk to its own server by a web socket.
    scheme = {"ws": "http", "wss": "https"}.get(other.scheme, other.scheme)
    return (scheme, other.netloc) == (own.scheme, own.netloc)


# The page's width if it is wider than the window, and which elements stick out of it.
_TOO_WIDE: Final = """(() => {
  const room = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= room) return [];
  const out = [...document.querySelectorAll('body *')].filter(one => one.getBoundingClientRect().right > room + 1);
  return [document.documentElement.scrollWidth, ...out.slice(-5).map(one => one.outerHTML.slice(0, 160))];
})()"""
