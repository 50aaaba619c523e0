"""Bring the files of translations in step with English: `python -m flows.translations`.

What is new is added without a translation, what English says otherwise now is marked as fuzzy and has to be looked at, what is
gone is dropped. Translations can be written into the file by any gettext editor, or given as lines `context<TAB>text` with
`--take FILE`.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

from wording.translation import FOLDER, Source, said_in, sources

LOCALE: Final = Path(__file__).parent.parent / "wording" / FOLDER
_HEADER: Final = """\
# {locale}: brought in step with English by `python -m flows.translations`.
msgid ""
msgstr ""
"Language: {locale}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"

"""
_WIDTH: Final = 0  # no line breaks within a message: they hide changes from whoever compares


def brought_in_step(before: Catalog, taken: dict[str, str]) -> Catalog:
    """Return a translation with exactly the messages of English, in its order.

    Args:
        before: The translation so far.
        taken: Place of a message → its translation, in place of the one so far.
    """
    known = {str(message.context): message for message in before if message.id and message.context}
    after = Catalog(locale=before.locale, fuzzy=False)
    for source in sources():
        old = known.get(source.context)
        text = taken.get(source.context)
        is_changed = text is None and old is not None and old.id != _id(source) and bool(old.string)
        kept = "" if old is None else said_in(old)
        said = kept if text is None else text
        flags = ("fuzzy",) if is_changed or (text is None and old is not None and old.fuzzy and said) else ()
        after.add(_id(source), (said,) if source.plural else said, flags=flags, context=source.context)
    return after


def _id(source: Source) -> str | tuple[str, str]:
    return (source.text, source.plural) if source.plural else source.text


def untranslated(catalog: Catalog) -> list[str]:
    """Return the places of messages that have no translation, or one that has to be looked at."""
    return [str(one.context) for one in catalog if one.id and (one.fuzzy or not said_in(one))]


def main(arguments: list[str] | None = None) -> int:
    """Bring every translation in step; returns 1 while messages are left to translate."""
    parser = argparse.ArgumentParser(description="Bring the files of translations in step with English.")
    parser.add_argument("--take", type=Path, help="a file with lines context<TAB>translation to take over")
    parser.add_argument("--file", default="*.po", help="the file to work on, such as zh_Hans.po; by default all")
    parser.add_argument("--missing", action="store_true", help="show what is left as lines context<TAB>English, to be filled in")
    given = parser.parse_args(arguments)
    lines = given.take.read_text(encoding="utf-8").splitlines() if given.take else []
    taken = dict(line.split("\t", 1) for line in lines if "\t" in line)
    left = 0
    for path in sorted(LOCALE.glob(given.file)):
        with path.open("rb") as file:
            after = brought_in_step(read_po(file, locale=path.stem), taken)
        with path.open("wb") as file:
            # A header of our own, because Babel's has the time of day, and a file that nobody changed should stay the same.
            file.write(_HEADER.format(locale=path.stem).encode())
            write_po(file, after, width=_WIDTH, omit_header=True)
        missing = untranslated(after)
        left += len(missing)
        sys.stdout.write(f"{path.name}: {len(missing)} of {len(after)} left to translate\n")
        english = {source.context: source.text for source in sources()}
        shown = missing if given.missing else []
        sys.stdout.writelines(f"{context}\t{english[context]}\n" for context in shown)
    return int(bool(left))


if __name__ == "__main__":
    sys.exit(main())
