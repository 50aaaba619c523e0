"""Default texts of a configuration, told in the language that is spoken."""

from wording.defaults import default_name
from wording.language import speaking


def test_default_names_of_levels_and_badges_are_told_in_the_language_that_is_spoken() -> None:
    assert [default_name(level) for level in ("Pillar", "Regular")] == ["Pillar", "Regular"]
    with speaking("zh"):
        chinese = default_name("Pillar")
        assert not chinese.isascii()
        assert default_name("Regular") == default_name("Mainstay") != "Mainstay"
        assert default_name("First contribution") == "第一次贡献"
        assert default_name("Pillars of ours") == "Pillars of ours"
        assert default_name("群主") == "群主"
    assert default_name(chinese) == "Pillar"
    with speaking("zh-Hant"):
        assert default_name("Eight weeks in a row") == default_name("连续八周") == "連續八週"
