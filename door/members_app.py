"""The members app: the lists of a night, its tiers and changes, the figures and the members behind them, and downloads.

Addresses hold no member's id, because browsers and reverse proxies keep them: a search is posted, a card is named by its row.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import date
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from door.forms import read_form
from door.pages import page
from pipeline.analysis import listed_nights
from pipeline.app.member_rows import (
    FILTERS,
    ORDERS,
    Choice,
    NightLists,
    as_csv,
    behind_figure,
    chosen,
    page_of,
)
from pipeline.app.other_lists import changes_page, contact_page, figures_of_week, file_of, files_of, tier_rows
from pipeline.community.figure_drill import has_members
from pipeline.engagement.member_history import member_history
from pipeline.explain import read_card
from runtime.run_context import RunContext

PLACES: Final = ("contacts", "members", "changes", "tiers", "downloads")
_NIGHTS_OFFERED: Final = 60
_LONGEST_NUMBER: Final = 9


def member_routes(run: RunContext) -> list[BaseRoute]:
    """Return the routes of the members app.

    Args:
        run: The run of the workspace.
    """
    app = _MembersApp(run)
    night = "/lists/{night}"
    return [
        Route("/lists", app.newest),
        Route(f"{night}/contacts", app.contacts),
        Route(f"{night}/members", app.members, methods=["GET", "POST"]),
        Route(f"{night}/members.csv", app.selection, methods=["POST"]),
        Route(f"{night}/member/{{row:int}}", app.member),
        Route(f"{night}/changes", app.changes),
        Route(f"{night}/tiers", app.tiers),
        Route(f"{night}/downloads", app.downloads),
        Route(f"{night}/files/{{name}}", app.file),
        # As reports link to lists, which lie beside them.
        Route(night, app.whole_night),
        Route(f"{night}/{{name}}", app.file),
        Route("/figures", app.figures),
        Route("/reports/{name}", app.report),
    ]


class _MembersApp:
    """The pages; what reads files runs in threads, so that one slow page keeps no other waiting."""

    def __init__(self, run: RunContext) -> None:
        self._run = run
        self._lists = NightLists(run)

    async def newest(self, _: Request) -> Response:
        """Go to the contact list of the newest night."""
        nights = await asyncio.to_thread(listed_nights, self._run)
        return RedirectResponse(f"/lists/{nights[0]}/contacts" if nights else "/")

    async def contacts(self, request: Request) -> Response:
        """Show whom to talk to."""
        run = self._night(request)
        number = _page_number(request.query_params)
        listed = await asyncio.to_thread(lambda: contact_page(run, self._lists.members(run), page=number))
        return self._page("app_contacts.html.j2", run, "contacts", listed=listed)

    async def members(self, request: Request) -> Response:
        """Show members, filtered; what has no text to search for gets an address of its own."""
        run = self._night(request)
        if request.method == "GET":
            return await self._members(run, request.query_params)
        given = {name: values[0] for name, values in (await read_form(request)).items()}
        choice = Choice.of(given)
        if choice.text is None:
            return RedirectResponse(f"/lists/{run.as_of}/members?{urlencode(choice.linked())}", HTTPStatus.SEE_OTHER)
        return await self._members(run, given)

    async def selection(self, request: Request) -> Response:
        """Download the members of a choice as CSV."""
        run = self._night(request)
        choice = Choice.of({name: values[0] for name, values in (await read_form(request)).items()})

        def write() -> bytes:
            found = chosen(run, self._lists.members(run), choice, behind_figure(run, choice))
            return as_csv(run, found)

        name = f"members-{run.as_of}-selection.csv"
        headers = {"content-disposition": f'attachment; filename="{name}"'}
        return Response(await asyncio.to_thread(write), media_type="text/csv; charset=utf-8", headers=headers)

    async def member(self, request: Request) -> Response:
        """Show the card of a member, by the row of the list."""
        run, row = self._night(request), request.path_params["row"]
        members = await asyncio.to_thread(self._lists.members, run)
        if row >= members.height:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        member_id = members["member_id"][row]
        card = await asyncio.to_thread(read_card, run, member_id)
        history = await asyncio.to_thread(member_history, run, member_id)
        decisions = history.decisions.rows(named=True)
        return self._page("app_member.html.j2", run, None, card=card, name=history.display_name, decisions=decisions)

    async def changes(self, request: Request) -> Response:
        """Show what changed since the night before."""
        run, what = self._night(request), request.query_params.get("what") or None
        number = _page_number(request.query_params)
        listed, kinds = await asyncio.to_thread(changes_page, run, what=what, page=number)
        return self._page("app_changes.html.j2", run, "changes", listed=listed, kinds=kinds, what=what)

    async def tiers(self, request: Request) -> Response:
        """Show the tiers."""
        run = self._night(request)
        rows = await asyncio.to_thread(lambda: tier_rows(self._lists.members(run)))
        return self._page("app_tiers.html.j2", run, "tiers", tiers=rows)

    async def downloads(self, request: Request) -> Response:
        """Show the files of a night."""
        run = self._night(request)
        return self._page("app_downloads.html.j2", run, "downloads", files=await asyncio.to_thread(files_of, run))

    async def file(self, request: Request) -> Response:
        """Download a file as the night wrote it."""
        path = file_of(self._night(request), request.path_params["name"])
        return FileResponse(path, filename=f"{path.parent.name}-{path.name}", content_disposition_type="attachment")

    async def whole_night(self, request: Request) -> Response:
        """Go to the contact list of a night."""
        return RedirectResponse(f"/lists/{self._night(request).as_of}/contacts")

    async def figures(self, request: Request) -> Response:
        """Show the figures of a week."""
        last = _day(request.query_params.get("day"))
        week = await asyncio.to_thread(figures_of_week, self._run, last=last)
        nights = listed_nights(self._run)
        drilled = [name for name in week.values if has_members(name)] if nights else []
        newest = nights[0] if nights else None
        return page("app_figures.html.j2", self._run, week=week, drilled=drilled, newest=newest, place="figures", night=newest)

    async def report(self, request: Request) -> Response:
        """Show a page of the workspace's reports."""
        folder, name = self._run.workspace.reports, request.path_params["name"]
        # By the names that are there, and not by a path that somebody made up.
        if not name.endswith(".html") or not folder.is_dir() or name not in {path.name for path in folder.iterdir()}:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        return FileResponse(folder / name, media_type="text/html; charset=utf-8")

    async def _members(self, run: RunContext, given: Mapping[str, str]) -> Response:
        choice, number = Choice.of(given), _page_number(given)

        def read() -> tuple[Any, dict[str, list[str]]]:
            members = self._lists.members(run)
            return page_of(run, members, choice, page=number), self._lists.values(run)

        found, values = await asyncio.to_thread(read)
        return self._page(
            "app_members.html.j2",
            run,
            "members",
            found=found,
            rows=found.rows.rows(named=True),
            choice=choice,
            filters=values,
            filter_names=FILTERS,
            orders=list(ORDERS),
            query=urlencode(choice.linked()),
            has_column={name: found.rows[name].count() > 0 for name in found.rows.columns},
        )

    def _night(self, request: Request) -> RunContext:
        return self._lists.night(request.path_params["night"])

    def _page(self, template: str, run: RunContext, place: str | None, **values: Any) -> Response:
        nights = listed_nights(self._run)[:_NIGHTS_OFFERED]
        currency, days = run.settings.community.currency, run.settings.value.horizon_days
        return page(template, run, night=run.as_of, nights=nights, place=place, currency=currency, value_days=days, **values)


def _page_number(given: Mapping[str, str]) -> int:
    text = given.get("page", "1")
    return int(text) if text.isdecimal() and len(text) <= _LONGEST_NUMBER else 1


def _day(text: str | None) -> date | None:
    try:
        return None if not text else date.fromisoformat(text)
    except ValueError:
        raise HTTPException(HTTPStatus.NOT_FOUND) from None
