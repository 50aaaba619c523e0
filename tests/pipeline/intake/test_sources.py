"""Several sources, files and nights of one table: nothing is overwritten that another said, and every row is accounted for."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from lake.arrivals import ORDERS_PARTS, REFUSALS, RETIRED, read_arrivals
from lake.contracts import MEMBERS_PARTS
from lake.errors import ConfigurationError
from lake.member_index import scan_member_index
from lake.retention import expire
from lake.storage.delta import Lake
from pipeline.erasure.id_matchers import IdMatchers
from pipeline.erasure.tables import erase_landed
from pipeline.summary import stop_error
from tests.exports import EVENT, EVENTS, NIGHT, ORDER, consent, counted, held, source, take_in, validate, write


def test_a_source_does_not_overwrite_what_another_says_of_a_member(tmp_path: Path) -> None:
    toml = EVENTS + source("members", "users.csv", {"member_id": "id", "joined_at": "created"})
    toml += source("members", "newsletter.csv", {"member_id": "id", "can_contact": "ok"})
    write(tmp_path, events_csv="id,u,t\n1,m1,2024-01-05\n", newsletter_csv="id,ok\nm1,no\nm2,yes\n")
    write(tmp_path, users_csv="id,created\nm1,2023-12-01\nm2,2023-12-01\n")
    take_in(tmp_path, toml)
    joined = datetime(2023, 12, 1, tzinfo=UTC)
    assert held(tmp_path, "members", "member_id", "joined_at") == [("m1", joined), ("m2", joined)]
    assert consent(tmp_path) == {"m1": [False, None], "m2": [True, None]}
    assert counted(tmp_path, "landed", "added") == [("users.csv", 2, 0), ("newsletter.csv", 0, 2), ("events.csv", 1, 0)]

    write(tmp_path, users_csv="id,created\nm1,2023-12-01\nm2,2023-12-01\nm3,2024-01-05\n")
    take_in(tmp_path, toml)
    assert consent(tmp_path) == {"m1": [False, None], "m2": [True, None], "m3": [None, None]}
    assert held(tmp_path, "members", "member_id", "joined_at")[2] == ("m3", datetime(2024, 1, 5, tzinfo=UTC))
    assert counted(tmp_path, "landed", "added", "replaced")[3:] == [("users.csv", 1, 0, 2)]


def test_of_two_sources_that_map_one_column_the_later_in_the_file_wins(tmp_path: Path) -> None:
    write(tmp_path, events_csv="id,u,t\n1,m1,2024-01-05\n", a_csv="id,p,r\nm1,web,DE\nm2,web,DE\n", b_csv="id,p\nm1,ios\nm2,\n")
    a = source("members", "a.csv", {"member_id": "id", "platform": "p", "region": "r"})
    b = source("members", "b.csv", {"member_id": "id", "platform": "p"})
    take_in(tmp_path, EVENTS + a + b)
    assert held(tmp_path, "members", "member_id", "platform", "region") == [("m1", "ios", "DE"), ("m2", "web", "DE")]
    take_in(tmp_path, EVENTS + b + a)
    assert counted(tmp_path, "landed") == [("a.csv", 2), ("b.csv", 0), ("events.csv", 1)]
    write(tmp_path, b_csv="id,p\nm1,ios\nm2,\nm3,ios\n")
    take_in(tmp_path, EVENTS + b + a)
    assert held(tmp_path, "members", "member_id", "platform") == [("m1", "web"), ("m2", "web"), ("m3", "ios")]


def test_keys_of_two_sources_stop_the_night_until_it_is_said_what_they_mean(tmp_path: Path) -> None:
    write(tmp_path, posts_csv="id,u,t\n1,a,2024-01-01 10:00\n2,b,2024-01-02 10:00\n")
    write(tmp_path, comments_csv="id,u,t\n1,c,2024-01-02 11:00\n2,c,2024-01-03 11:00\n")
    posts, comments = source("events", "posts.csv", EVENT), source("events", "comments.csv", EVENT)
    stopped = validate(tmp_path, posts + comments)
    (stop,) = stopped.stops
    assert stop_error(stopped, page=Path("page.html")).remedy.startswith('Say keys = "own" or keys = "shared" under one')
    assert stop.says.startswith(
        "events: the sources 'comments.csv' and 'posts.csv' bring 2 keys in common for records that differ,"
    )
    assert "such as 1 (comments.csv, posts.csv); 2 (comments.csv, posts.csv)" in stop.says
    own = posts + source("events", "comments.csv", EVENT, 'name = "talk"', 'keys = "own"')
    assert take_in(tmp_path, own) == []
    assert [key for (key,) in held(tmp_path, "events", "event_id")] == ["1", "2", "talk:1", "talk:2"]
    write(tmp_path, comments_csv="id,u,t\n1,c,2024-01-02 11:00\n2,c,2024-01-03 12:00\n")
    assert take_in(tmp_path, own) == [
        "events: 1 record replaced by later ones of the same key, 1 with another time: 1 of comments.csv by itself, such "
        "as key talk:2, time 2024-01-03 11:00 → 2024-01-03 12:00."
    ]
    with pytest.raises(ConfigurationError, match='landed with `keys = "own"`'):
        validate(tmp_path, posts + source("events", "comments.csv", EVENT, 'name = "talk"'))


def test_keys_that_are_shared_are_one_record_and_the_later_replaces_the_earlier(tmp_path: Path) -> None:
    write(tmp_path, a_csv="id,u,t\n1,a,2024-01-01\n2,b,2024-01-02\n", b_csv="id,u,t\n2,b,2024-01-02\n3,c,2024-01-03\n")
    toml = source("events", "a.csv", EVENT) + source("events", "b.csv", EVENT, 'keys = "shared"')
    take_in(tmp_path, toml.replace('keys = "shared"', ""))
    assert [key for (key,) in held(tmp_path, "events", "event_id")] == ["1", "2", "3"]
    write(tmp_path, a_csv="id,u,t\n1,a,2024-01-01\n2,z,2024-01-02\n")
    assert validate(tmp_path, toml.replace('keys = "shared"', "")).stops
    assert take_in(tmp_path, toml)[0].endswith("1 with another member: 1 of b.csv by a.csv, such as key 2, another member.")
    assert held(tmp_path, "events", "event_id", "member_id") == [("1", "a"), ("2", "z"), ("3", "c")]


def test_records_that_landed_before_their_keys_were_own_are_renamed(tmp_path: Path) -> None:
    piece = {"content_id": "id", "author_id": "u", "published_at": "t"}
    write(tmp_path, posts_csv="id,u,t\n1,a,2024-01-01\n", wiki_csv="id,u,t\n7,b,2024-01-02\n")
    write(tmp_path, events_csv="id,u,t,about\n1,a,2024-01-05,1\n2,b,2024-01-05,7\n")
    events = EVENTS + 'content_id = "about"\n'
    toml = source("content", "posts.csv", piece) + source("content", "wiki.csv", piece, 'name = "wiki"')
    take_in(tmp_path, events + toml)
    write(tmp_path, posts_csv="id,u,t\n1,a,2024-01-01\n7,c,2024-01-03\n")
    assert validate(tmp_path, events + toml).stops
    write(tmp_path, events_csv="id,u,t,about\n1,a,2024-01-05,1\n2,b,2024-01-05,7\n3,b,2024-01-06,wiki:7\n4,c,2024-01-06,7\n")
    take_in(tmp_path, events + toml.replace('name = "wiki"', 'name = "wiki"\nkeys = "own"'))
    assert [key for (key,) in held(tmp_path, "content", "content_id")] == ["1", "7", "wiki:7"]
    # The event about 7 landed when only the wiki had a 7; it was sent again since, and 7 could be either by then.
    assert held(tmp_path, "events", "event_id", "content_id") == [("1", "1"), ("2", None), ("3", "wiki:7"), ("4", None)]


def test_derived_keys_count_per_source_and_hashes_that_exist_stay(tmp_path: Path) -> None:
    event = {column: expression for column, expression in EVENT.items() if column != "event_id"}
    write(tmp_path, a_csv="u,t\na,2024-01-01\n", b_csv="u,t\na,2024-01-01\n")
    take_in(tmp_path, source("events", "a.csv", event))
    before = held(tmp_path, "events", "event_id")
    take_in(tmp_path, source("events", "a.csv", event) + source("events", "b.csv", event))
    assert len(held(tmp_path, "events", "event_id")) == 2
    assert set(before) < set(held(tmp_path, "events", "event_id"))


def test_derived_keys_stay_what_they_were_where_keys_are_said_to_be_own(tmp_path: Path) -> None:
    toml = source("events", "a.csv", {"member_id": "u", "event_type": "'post'", "occurred_at": "t"}, 'keys = "own"')
    write(tmp_path, a_csv="u,t\na,2024-01-01\nb,2024-01-01\n")
    take_in(tmp_path, toml)
    write(tmp_path, a_csv="u,t\na,2024-01-01\nb,2024-01-01\nc,2024-01-02\n")
    take_in(tmp_path, toml)
    assert [who for (who,) in held(tmp_path, "events", "member_id")] == ["a", "b", "c"]


def test_an_order_in_a_later_file_replaces_or_adds_as_is_said(tmp_path: Path) -> None:
    write(tmp_path, **{"o-01_csv": "id,u,t,x\n1,a,2024-01-05,100\n2,b,2024-01-06,50\n"})
    write(tmp_path, **{"o-02_csv": "id,u,t,x\n1,a,2024-02-03,-20\n3,b,2024-02-04,10\n"})
    told = take_in(tmp_path, source("orders", "o-*.csv", ORDER))
    assert told == [
        "orders: 1 record replaced by later ones of the same key, 1 with another time, 1 with another amount: 1 of "
        "o-01.csv by o-02.csv, such as key 1, amount 100.00 → -20.00, time 2024-01-05 00:00 → 2024-02-03 00:00."
    ]
    # What was replaced is read again, once, when lines are to add up.
    adding = source("orders", "o-*.csv", ORDER, 'lines = "add"')
    take_in(tmp_path, adding)
    orders = [("1", date(2024, 1, 5), 8000), ("2", date(2024, 1, 6), 5000), ("3", date(2024, 2, 4), 1000)]
    assert held(tmp_path, "orders", "order_id", "event_date", "amount_minor") == orders
    assert validate(tmp_path, adding).arrivals == ()
    write(tmp_path, **{"o-02_csv": "id,u,t,x\n1,a,2024-02-03,-30\n3,b,2024-02-04,10\n"})
    take_in(tmp_path, adding)
    assert held(tmp_path, "orders", "order_id", "event_date", "amount_minor") == [(*orders[0][:2], 7000), *orders[1:]]
    assert read_arrivals(Lake(tmp_path / "lake"))["landed"].sum() == 3


EXPORTS = [[0, 1, 2, 3, 4, 5], [0, 1, 2, 4, 5, 6], [1, 2, 2, 4, 5, 6, 7], [1, 2, 9, 5, 6, 7]]


@pytest.mark.parametrize("keyed", [True, False])
def test_five_ways_of_a_nightly_export_give_the_same_lake(tmp_path: Path, keyed: bool) -> None:
    columns = EVENT if keyed else {column: expression for column, expression in EVENT.items() if column != "event_id"}
    exports = [sorted(set(export)) if keyed else export for export in EXPORTS]
    texts = ["id,u,t\n" + "".join(f"{n},m{n % 3},2024-01-{n + 1:02}\n" for n in export) for export in exports]
    lakes = []
    for way in ("one name", "dated names", "all at once", "skipping", "query"):
        folder = tmp_path / way.replace(" ", "-")
        folder.mkdir()
        toml = source("events", "e*.csv", columns, 'mode = "snapshot"')
        for number, text in enumerate(texts):
            if way == "query":
                pl.read_csv(text.encode()).write_database("e", f"sqlite:///{folder}/e.db", if_table_exists="replace")
                toml = toml.replace('path = "e*.csv"', f'uri = "sqlite:///{folder}/e.db"\nquery = "SELECT * FROM e"')
            name = "e.csv" if way in ("one name", "query") else f"e{number + 8}.csv"
            (folder / name).write_text(text)
            if (way == "all at once" and number < 3) or (way == "skipping" and number == 1):
                continue
            take_in(folder, toml)
        kept = ("event_id", "member_id", "event_type", "occurred_at", "event_date")
        lakes.append(held(folder, "events", *kept))
        ledger = read_arrivals(Lake(folder / "lake"))
        assert ledger.select((pl.col("landed") - pl.col("retired")).sum()).item() == len(lakes[-1])
    assert len(lakes[0]) == len(exports[-1])
    assert all(other == lakes[0] for other in lakes[1:])


def test_what_a_snapshot_lacks_is_retired_and_what_is_known_of_it_is_kept(tmp_path: Path) -> None:
    toml = source("orders", "o.csv", ORDER, 'mode = "snapshot"')
    write(tmp_path, o_csv="id,u,t,x\n1,a,2024-01-05,1\n2,b,2024-01-06,2\n3,c,2024-01-07,3\n")
    take_in(tmp_path, toml)
    write(tmp_path, o_csv="id,u,t,x\n1,a,2024-01-05,1\n3,,2024-01-07,3\n4,d,2024-01-08,4\n")
    take_in(tmp_path, toml)
    # Order 3 came with a mistake: it is quarantined, and the order as it was stays.
    assert held(tmp_path, "orders", "order_id", "member_id") == [("1", "a"), ("3", "c"), ("4", "d")]
    (gone,) = held(tmp_path, RETIRED, "table", "key", "event_date", "source_file", "retired_by_file", "as_of")
    assert gone == ("orders", "2", date(2024, 1, 6), "o.csv", "o.csv", NIGHT)
    assert counted(tmp_path, "landed", "replaced", "quarantined", "retired") == [("o.csv", 3, 0, 0, 1), ("o.csv", 1, 1, 1, 0)]


def test_a_snapshot_that_is_empty_or_lacks_too_much_stops_the_night(tmp_path: Path) -> None:
    toml = source("events", "e.csv", EVENT, 'mode = "snapshot"') + source("orders", "o.csv", ORDER)
    write(tmp_path, e_csv="id,u,t\n1,a,2024-01-05\n2,b,2024-01-06\n3,c,2024-01-07\n", o_csv="id,u,t,x\n1,a,2024-01-05,1\n")
    take_in(tmp_path, toml)
    write(tmp_path, e_csv="id,u,t\n1,a,2024-01-05\n")
    stopped = validate(tmp_path, toml)
    (stop,) = stopped.stops
    assert stop_error(stopped, page=Path("page.html")).remedy.startswith("Ask for the export again, or raise max_retired_share")
    assert stop.says.startswith("events: the snapshot events[1] (e.csv) lacks 2 of the 3 records held (67%)".replace("[1]", ""))
    assert not validate(tmp_path, toml.replace('"snapshot"', '"snapshot"\nmax_retired_share = 0.7')).stops


def test_an_erasure_and_a_keeping_time_take_the_parts_along(tmp_path: Path) -> None:
    toml = source("members", "m.csv", {"member_id": "id", "region": "r"}, 'mode = "snapshot"')
    toml += source("members", "n.csv", {"member_id": "id", "can_contact": "c", "referrer_id": "r"})
    toml += source("orders", "o-*.csv", ORDER, 'lines = "add"')
    write(tmp_path, m_csv="id,r\na,DE\nb,DE\nz,DE\n", n_csv="id,c,r\na,no,b\nb,,a\n")
    write(tmp_path, **{"o-1_csv": "id,u,t,x\n1,a,2024-01-05,9\n2,b,2024-01-06,8\n", "o-2_csv": "id,u,t,x\n1,a,2024-01-07,-1\n"})
    take_in(tmp_path, toml)
    write(tmp_path, m_csv="id,r\na,DE\nb,DE\n", **{"o-3_csv": "id,u,t,x\n2,b,2024-01-20,-1\n"})
    take_in(tmp_path, toml)
    lake = Lake(tmp_path / "lake")
    known = scan_member_index(lake).select("member_id").collect()["member_id"]
    erase_landed(lake, IdMatchers.of(["a", "z"], known=known), masks={"a": "x1", "z": "x2"})
    # Whoever records checks that the ledger and the lake agree.
    assert held(tmp_path, MEMBERS_PARTS, "member_id", "referrer_id") == [("b", None), ("b", None)]
    assert held(tmp_path, ORDERS_PARTS, "order_id", "amount_minor") == [("2", -100), ("2", 800)]
    assert held(tmp_path, REFUSALS, "member_id") == held(tmp_path, RETIRED, "key") == []
    assert expire(lake, keep_days={"orders": 50}, as_of=NIGHT) == {"orders": 1}
    assert held(tmp_path, ORDERS_PARTS, "order_id", "amount_minor") == []
    # A line of an order that has aged out is an order of its own.
    write(tmp_path, **{"o-4_csv": "id,u,t,x\n2,b,2024-02-20,-2\n"})
    take_in(tmp_path, toml)
    assert held(tmp_path, "orders", "order_id", "amount_minor") == [("2", -200)]


def test_an_erasure_leaves_others_their_refusals_and_files_their_parts(tmp_path: Path) -> None:
    toml = EVENTS + source("members", "n.csv", {"member_id": "id", "can_contact": "c", "birth_year": "b"})
    toml += source("orders", "o-*.csv", ORDER, 'lines = "add"') + "[validation.members]\nmax_bad_share = 1\n"
    write(
        tmp_path,
        events_csv="id,u,t\n1,member-1,2024-01-05\n",
        n_csv="id,c,b\nmember-1,no,\nmember-1/2,no,1\nmember-1/2,no,2\nb,,\n",
    )
    write(tmp_path, **{"o-member-1_csv": "id,u,t,x\n1,member-1,2024-01-05,9\n2,b,2024-01-06,8\n"})
    take_in(tmp_path, toml)
    lake = Lake(tmp_path / "lake")
    known = scan_member_index(lake).select("member_id").collect()["member_id"]
    erase_landed(lake, IdMatchers.of(["member-1"], known=known), masks={"member-1": "x1"})
    # The row of this member never landed, so that nobody knows them yet; their no is kept.
    assert held(tmp_path, REFUSALS, "member_id", "refuses_contact") == [("member-1/2", True)]
    assert held(tmp_path, ORDERS_PARTS, "order_id", "source_file") == [("2", "o-x1.csv")]


def test_a_chat_export_with_keys_that_files_lack_and_a_list_of_files_put_together_land_whole(tmp_path: Path) -> None:
    toml = source("members", "users.csv", {"member_id": "name", "joined_at": "since"})
    chat = {"event_id": "ts", "member_id": "user", "event_type": "COALESCE(subtype, 'message')", "occurred_at": "ts"}
    toml += source("events", "*.jsonl", chat, 'date_format = "epoch_s"', 'may_lack = ["subtype"]')
    users = "\ufeffname,since\nann,2023-12-01\nbob,0001-01-01\n\ufeffname,since\n\ufeffcat,2023-12-02\n"
    (tmp_path / "users.csv").write_text(users, encoding="utf-8")
    (tmp_path / "a.jsonl").write_text('{"ts":"1704450600.000021","user":"ann","subtype":"join"}\n')
    (tmp_path / "b.jsonl").write_text('{"ts":"1704450601.000022","user":"\u200ecat"}\n', encoding="utf-8")
    take_in(tmp_path, toml)
    joined = [datetime(2023, 12, day, tzinfo=UTC) for day in (1, 2)]
    assert held(tmp_path, "members", "member_id", "joined_at") == [("ann", joined[0]), ("bob", None), ("cat", joined[1])]
    at = datetime(2024, 1, 5, 10, 30, tzinfo=UTC)
    assert held(tmp_path, "events", "member_id", "event_type", "occurred_at") == [
        ("ann", "join", at.replace(microsecond=21)),
        ("cat", "message", at.replace(second=1, microsecond=22)),
    ]
