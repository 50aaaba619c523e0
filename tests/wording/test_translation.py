"""Chinese says everything that English says, with the same values, in Chinese punctuation and without English words."""

from __future__ import annotations

import io
import re
from string import Formatter

import pytest
from babel.messages.pofile import write_po
from opencc import OpenCC

from flows.translations import brought_in_step, untranslated
from wording.english import ENGLISH
from wording.group_names import GroupNames
from wording.language import LANGUAGES, Language, catalogue_of, current, speaking
from wording.retelling import retold
from wording.translation import Source, read, said_in, sources

FILE = "zh_Hans.po"
TRANSLATION = read(FILE)
SAID = {str(message.context): said_in(message) for message in TRANSLATION if message.id and message.context}
# Names of products, measures and methods, keys of the configuration, options, and what a code or a tool is called.
KEPT = {
    "Evenfall", "Prefect", "LightGBM", "AUC", "Brier", "nGini", "RMSE", "MAE", "ECE", "Qini", "Bonferroni", "Holm", "p", "BG",
    "NBD", "MBG", "Pareto", "TA", "evenfall", "toml", "community", "currency", "bots", "not_bots", "sources",
    "validation", "columns", "where", "keys", "own", "shared", "warn", "volume_drift", "max_bad_share", "max_age_days",
    "max_retired_share", "can_show", "zh-Hans", "--shares", "--csv", "FILE",
    "Ctrl-C", "MLflow", "up", "door", "allowed_hosts", "nightly", "doctor", "marimo", "pip", "install", "reports", "html",
    "alerts", "--acknowledge", "--mute", "--until", "Excel", "CSV", "KB", "ID", "NPS",
}  # fmt: skip
# What comments of the configuration name: pages, endings, tables, tools.
KEPT_IN_COMMENTS = {
    "docs", "configuration", "loop", "md", "badges", "SQL", "CNY", "mautic", "braze", "wecom", "discourse", "csv", "gz", "jsonl",
    "parquet", "xlsx", "ISO", "Asia", "Shanghai", "events", "orders", "members", "content", "contacts", "feedback",
    "figures",
}  # fmt: skip
# Patterns of dates are no sentences.
DATES = {"form.day", "form.short_day", "form.axis.day", "form.axis.day_of_year", "form.month", "form.month_of_year"}


def values(template: str, context: str) -> set[str]:
    """Give the values that a template takes; a noun or a plural alone may be said without one."""
    if "/" in context and not context.startswith(("stored/", "group/")):
        return set()
    taken = set()
    for _, name, spec, _ in Formatter().parse(template):
        if name is not None and not (spec or "").startswith(("plural:", "noun:")):
            taken |= {name.partition(".")[0]} | ({"noun"} if (spec or "").endswith(":noun") else set())
    return taken


def words(template: str) -> set[str]:
    said = "".join(text for text, _, _, _ in Formatter().parse(template))
    return set(re.findall(r"[A-Za-z_-]*[A-Za-z][A-Za-z_-]*", said))


def test_every_message_is_translated_and_none_is_out_of_date() -> None:
    assert untranslated(TRANSLATION) == []
    assert [source.context for source in sources() if source.context not in SAID] == []


def test_the_file_is_in_step_with_english() -> None:
    now, then = io.BytesIO(), io.BytesIO()
    write_po(now, brought_in_step(TRANSLATION, {}), width=0, omit_header=True)
    write_po(then, TRANSLATION, width=0, omit_header=True)
    assert now.getvalue() == then.getvalue()


def test_a_new_message_is_untranslated_a_changed_one_fuzzy_and_one_that_is_gone_is_dropped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(ENGLISH.sentences, "new.key", "Something new.")  # type: ignore[misc]
    monkeypatch.setitem(ENGLISH.sentences, "list.yes", "yes, indeed")  # type: ignore[misc]
    monkeypatch.delitem(ENGLISH.sentences, "list.no")  # type: ignore[misc]
    after = brought_in_step(TRANSLATION, {})
    assert untranslated(after) == ["list.yes", "new.key"]
    assert "list.no" not in {message.context for message in after}


def test_a_translation_takes_the_values_of_the_english() -> None:
    wrong = {
        one.context: (one.text, SAID[one.context])
        for one in sources()
        if values(SAID[one.context], one.context) - values(one.text, one.context) - {"symbol"} or _lost(one)
    }
    assert wrong == {}


def _lost(one: Source) -> set[str]:
    # A weekday is not needed beside the date, and a currency is said by its sign or by its code.
    needed = values(one.text, one.context) - {"weekday", "weekdays", "symbol", "code"}
    return needed - values(SAID[one.context], one.context) - _of_plurals(one.text)


def _of_plurals(template: str) -> set[str]:
    return {name for _, name, spec, _ in Formatter().parse(template) if name and (spec or "").startswith(("plural:", "noun:"))}


def test_no_english_is_left_in_a_translation() -> None:
    kept = KEPT | KEPT_IN_COMMENTS
    left = {
        context: words(said) - (kept if context.startswith("init.") else KEPT)
        for context, said in SAID.items()
        if context not in DATES
    }
    assert {context: found for context, found in left.items() if found} == {}


def test_chinese_has_chinese_punctuation() -> None:
    halves = re.compile(r"[\u4e00-\u9fff}] ?[,;:!?](?! ?\")|[,;!?] ?[\u4e00-\u9fff]|[\u4e00-\u9fff]\.|\([\u4e00-\u9fff{]")
    said = {context: "0".join(text for text, *_ in Formatter().parse(one)) for context, one in SAID.items()}
    assert {context: one for context, one in said.items() if halves.search(one)} == {}


def test_traditional_chinese_has_no_simplified_characters() -> None:
    converts = [OpenCC(way).convert for way in ("s2t", "s2twp")]
    catalogue = catalogue_of("zh-Hant")
    texts = [*catalogue.sentences.values(), *catalogue.names.values(), *catalogue.columns.values(), *catalogue.headers.values()]
    # One of them alone may prefer another form of a character that is traditional already.
    assert [text for text in texts if all(convert(text) != text for convert in converts)] == []
    assert catalogue.sentences["page.language"] == "zh-Hant"


def test_a_language_is_spoken_within_its_block_alone() -> None:
    with speaking("zh"):
        assert current().sentences["list.yes"] == "是"
        with speaking("en"):
            assert current() is ENGLISH
        assert current() is not ENGLISH
    assert current() is ENGLISH


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_group_named_in_one_language_is_said_in_every_other(language: Language) -> None:
    names = ("Night-time readers", "夜间阅读者", "夜間閱讀者")
    expected = dict(zip(LANGUAGES, names, strict=True))[language]
    said = GroupNames(catalogue_of(language)).said
    assert {said(name) for name in names} == {expected}
    assert said("Steady members 3") == said("稳定成员3")
    assert "solve puzzle" in said("Big-spending solve puzzle regulars")
    assert said("ours") == "ours"


def test_what_is_stored_in_english_is_told_again_and_what_is_not_known_stays() -> None:
    reason = "promoted: surely better than the champion: AUC among those still here +0.012 (+0.003 to +0.020), changing 12% of "
    assert retold(f"{reason}the contact list") == f"{reason}the contact list"
    with speaking("zh"):
        assert (
            retold(f"{reason}the contact list")
            == "已上线：确实优于现有模型：AUC（近期活跃）+0.012（+0.003至+0.020），触达名单改变12%"
        )
        assert retold("Something else.") == "Something else."
