"""Many ids looked for at once are found where each of them alone is found, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.erasure.file_search import search
from pipeline.erasure.id_matcher import IdMatcher
from pipeline.erasure.id_matchers import IdMatchers
from tests.pipeline.erasure.test_tables import WAYS, hide

IDS = ("anna", "anna-2", "hanna@forum.example", "12347", "123478", "7", "dörte", 'a"b<c', "3f2a9c1e-77aa-4b1f-9d0e-5c1b2a3d4e5f")
KNOWN = pl.Series([*IDS, "anna-3", "x12347"])
WORDS = st.sampled_from([*IDS, "anna-3", "x12347", " ", ".", "size ", "hanna", "1,", "part-3f2a9c1e-", '"', "<"])


def alone(member: str) -> IdMatcher:
    """The matcher of one member beside all that are known."""
    return IdMatcher(member, frozenset(one for one in KNOWN if member in one and one != member))


@settings(max_examples=100)
@given(wanted=st.lists(st.sampled_from(IDS), min_size=1, unique=True), words=st.lists(WORDS, max_size=8))
def test_many_are_found_in_a_text_exactly_where_each_alone_is(wanted: list[str], words: list[str]) -> None:
    text, matchers = "".join(words), IdMatchers.of(wanted, known=KNOWN)
    each = {member: alone(member) for member in wanted}
    by_word = {member for member, matcher in each.items() if matcher.kind != "value" and matcher.in_text(text)}
    assert set(matchers.in_text(text)) == by_word
    assert matchers.named_in(pl.Series([text, None])).to_list() == [bool(by_word), False]
    for data in (text.encode(), text.encode("utf-16-le")):
        assert set(matchers.in_bytes(data)) == {member for member, matcher in each.items() if matcher.in_bytes(data)}
    value = {"member_id": text, "said": [text, {"author_id": text}]}
    assert set(matchers.in_json(value)) == {member for member, matcher in each.items() if matcher.in_json(value)}
    assert not set(matchers.in_text(matchers.redacted(text))) & by_word
    assert not set(matchers.in_bytes(matchers.redacted_bytes(text.encode()))) & by_word


@pytest.mark.parametrize("how", WAYS)
def test_one_search_finds_in_every_packing_whom_each_search_alone_would(tmp_path: Path, how: str) -> None:
    members = ["anna<&>", "12347", "bo_1", "nobody-ever"]
    for member in members[:3]:
        (tmp_path / member[:2]).mkdir()
        hide(tmp_path / member[:2], how, member)
    hide(tmp_path, how, "somebody-else")
    files = sorted(path for path in tmp_path.rglob("*") if path.is_file())
    found = search(files, IdMatchers.of(members, known=pl.Series(members)))
    assert found.named == {"anna<&>", "12347", "bo_1"}
    assert [path.parent.name for path in found.holding] == ["12", "an", "bo"]


def test_ids_too_short_for_a_word_are_found_beside_long_ones(tmp_path: Path) -> None:
    pl.DataFrame({"member_id": ["7"]}).write_parquet(tmp_path / "id.parquet")
    pl.DataFrame({"order_id": ["7"]}).write_parquet(tmp_path / "other.parquet")
    (tmp_path / "id.csv").write_text("rank,member_id\n1,7\n")
    (tmp_path / "id.json").write_text('{"minValues": {"author_id": "7"}}')
    (tmp_path / "long.json").write_text('{"n": 7, "said": "by anna-2"}')
    (tmp_path / "other.json").write_text('{"rows": 7}')
    found = search(sorted(tmp_path.iterdir()), IdMatchers.of(["7", "anna-2"], known=KNOWN))
    assert [path.name for path in found.holding] == ["id.csv", "id.json", "id.parquet", "long.json"]
    assert found.named == {"7", "anna-2"}


def test_more_ids_than_a_pattern_holds_are_found_too() -> None:
    many = [f"m{number:05d}" for number in range(600)]
    matchers = IdMatchers.of(many, known=pl.Series(many))
    said = pl.DataFrame({"text": ["by m00599", "by m00600", None]})
    assert said.select(matchers.near(pl.col("text"))).to_series().to_list() == [True, False, False]
    assert matchers.named_in(said["text"]).to_list() == [True, False, False]
