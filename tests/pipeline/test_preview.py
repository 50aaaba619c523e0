"""`evenfall preview`: three rows before and after mapping, what does not fit, the keys; nothing is written."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from lake.errors import ConfigurationError
from pipeline.erasure.file_search import files_below
from pipeline.preview.preview import SourcePreview, preview

CONFIGURATION = """\
[community]
timezone = "Europe/Berlin"

[sources.members]
path = "users.csv"
[sources.members.columns]
member_id = "id"
joined_at = "joined"

[[sources.orders]]
path = "orders*.csv"
where = "state <> 'draft'"
[sources.orders.columns]
order_id = "Order No"
member_id = "buyer"
ordered_at = "at"
amount = "quantity * price"

[[sources.orders]]
uri = "postgresql://reader:${PREVIEW_PASSWORD}@127.0.0.1:1/shop"
query = "SELECT 1"
[sources.orders.columns]
member_id = "buyer"
ordered_at = "at"
amount = "price"
"""
ORDERS = """\
Order No,buyer,at,quantity,price,state,note
1,m1,2025-06-01 10:00:00,2,1.25,paid,\x1b[31mred
1,m1,2025-06-01 10:00:00,1,3,paid,
2,m2,2025-06-01 11:00:00,1,9,draft,
3,,2025-06-02 12:00:00,1,4,paid,
4,m3,yesterday,1,5,paid,
"""
EXPECTED = """\
orders[1]: orders-1.csv, the first of 2 files; all 5 rows are looked at

Exported      row 1                   row 2                   row 4
  Order No    1                       1                       3
  buyer       m1                      m1                      -
  at          2025-06-01 10:00:00     2025-06-01 10:00:00     2025-06-02 12:00:00
  quantity    2                       1                       1
  price       1.25                    3                       4
  state       paid                    paid                    paid
  not used: note

Mapped; times in UTC
  order_id    1                       1                       3
  member_id   m1                      m1                      (missing)
  ordered_at  2025-06-01 08:00:00     2025-06-01 08:00:00     2025-06-02 10:00:00
  amount      2.5                     3                       4
  not mapped: currency, kind

2 of 4 rows would go to quarantine:
  ordered_at is not a time
    1 rows, such as row 5: 'yesterday'
  member_id is missing
    1 rows, such as row 4
Key: order_id, as mapped: 3 different ones, 1 repeated.
  Lines of one file that share it are summed into one order.
Left out by `where`: 1 of 5 rows, such as row 3.
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Two files of orders, a database that is not there, and members whose dates all fail."""
    (tmp_path / "evenfall.toml").write_text(CONFIGURATION)
    (tmp_path / "orders-1.csv").write_text(ORDERS)
    (tmp_path / "orders-2.csv").write_text(ORDERS)
    (tmp_path / "users.csv").write_text("id,joined\nm1,2025-01-01\nm2,0000-00-00\n")
    return tmp_path


def shown(workspace: Path, source: str | None = None, width: int = 84) -> list[SourcePreview]:
    return list(preview(workspace, source, width=width))


def test_a_source_is_shown_before_and_after_mapping(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREVIEW_PASSWORD", "moon-and-stars")
    held = {path: path.read_bytes() for path in files_below(shop)}
    first, second = shown(shop, "orders")
    assert first.text.splitlines() == EXPECTED.splitlines()
    assert first.exit_code == 0
    assert second.exit_code == 4
    assert second.text.startswith("orders[2]: this cannot work\n")
    assert "moon-and-stars" not in second.text
    assert shown(shop, "orders[1]") == [first]
    assert {path: path.read_bytes() for path in files_below(shop)} == held


def test_a_wide_export_stays_within_the_terminal(tmp_path: Path) -> None:
    names = [f"a_rather_long_column_name_{number}" for number in range(60)]
    (tmp_path / "evenfall.toml").write_text(
        '[sources.events]\npath = "e.csv"\n[sources.events.columns]\n'
        f'member_id = "{names[0]}"\nevent_type = "{names[1]}"\noccurred_at = "{names[2]}"\n'
    )
    pl.DataFrame({name: ["x" * 200] * 4 for name in names}).write_csv(tmp_path / "e.csv")
    for width, widest in ((40, 80), (100, 100), (300, 120)):
        (one,) = shown(tmp_path, width=width)
        assert max(map(len, one.text.splitlines())) <= widest
        assert one.exit_code == 3  # no row fits
        assert "event_id is derived from the row" in one.text


@pytest.mark.parametrize(
    ("change", "code", "told"),
    [
        (('= "buyer"', '= "byer"'), 2, "byer"),
        (("orders*.csv", "nothing*.csv"), 2, "matches no file"),
        (("orders*.csv", "broken.csv"), 3, "broken.csv"),
    ],
)
def test_what_cannot_work_ends_with_the_code_of_a_night(shop: Path, change: tuple[str, str], code: int, told: str) -> None:
    (shop / "broken.csv").write_bytes(b"a,b\n\xff\xfe,1\n")
    configured = CONFIGURATION.split("[[sources.orders]]\nuri", maxsplit=1)[0].replace("[[", "[").replace("]]", "]")
    (shop / "evenfall.toml").write_text(configured.replace(*change))
    members, orders = shown(shop)
    assert members.exit_code == 0
    assert (orders.exit_code, told in orders.text) == (code, True), orders.text


def test_a_source_that_is_not_there_is_told(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREVIEW_PASSWORD", "x")
    with pytest.raises(ConfigurationError, match="no source 'order'"):
        shown(shop, "order")


def test_the_command_reads_nothing_heavy_and_ends_with_the_lowest_code(shop: Path) -> None:
    heavy = ["prefect", "mlflow", "great_expectations", "lightgbm", "sklearn", "scipy", "pandas"]
    code = (
        "import json, sys\nfrom flows.cli import main\n"
        "try:\n    main(json.loads(sys.argv[1]))\n"
        "except SystemExit as ended:\n"
        "    print(ended.code, [name for name in json.loads(sys.argv[2]) if name in sys.modules], file=sys.stderr)"
    )
    arguments = json.dumps(["preview", "--workspace", str(shop)])
    done = subprocess.run([sys.executable, "-c", code, arguments, json.dumps(heavy)], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "2 []", done.stderr  # the variable of the database's password is not set
    assert "orders[1]: orders-1.csv" in done.stdout


def test_an_optional_value_that_does_not_fit_is_told_as_left_empty(shop: Path) -> None:
    members, *_ = shown(shop, "members")
    assert members.exit_code == 0
    assert "Of 2 rows, these values would be left empty, or count as no where they are consent:" in members.text
    assert "joined_at is not a time\n    1 rows, such as row 2: '0000-00-00'" in members.text
    assert "(does not fit)" in members.text
