"""The default actions stand in every configuration that we write."""

from pathlib import Path

import pytest

from flows.scaffold import initialise, make_demo
from pipeline.engagement.actions import configured_actions
from runtime.settings import Settings, load_settings
from tests.paths import ROOT

EXAMPLES = sorted(path.parent for path in (ROOT / "examples").glob("*/evenfall.toml"))


def defaults_of(settings: Settings) -> object:
    return configured_actions(settings.model_copy(update={"actions": None}))


@pytest.mark.parametrize("folder", EXAMPLES, ids=lambda folder: folder.name)
def test_the_actions_of_an_example_are_the_defaults_that_fit_its_data(folder: Path) -> None:
    settings = load_settings(folder)
    assert settings.actions == defaults_of(settings)
    assert len(settings.actions or ()) >= 3


def test_init_and_the_demo_write_the_default_actions(tmp_path: Path) -> None:
    initialise(tmp_path / "new")
    make_demo(tmp_path / "demo", members=20, days=40, seed=1)
    for folder, actions in ((tmp_path / "new", 6), (tmp_path / "demo", 7)):
        settings = load_settings(folder)
        assert settings.actions == defaults_of(settings)
        assert len(settings.actions or ()) == actions


def test_no_actions_at_all_can_be_said(tmp_path: Path) -> None:
    (tmp_path / "evenfall.toml").write_text('actions = []\n[sources.events]\npath = "events.csv"\n')
    assert configured_actions(load_settings(tmp_path)) == ()


def test_default_messages_are_told_in_the_language_of_the_community_and_own_ones_as_they_are(tmp_path: Path) -> None:
    make_demo(tmp_path, members=20, days=40, seed=1)
    file = tmp_path / "evenfall.toml"
    own = file.read_text().replace("Ask {display_name} how things are going", "Call {display_name}")
    file.write_text(own.replace("[community]", '[community]\nlanguage = "zh"', 1))
    settings = load_settings(tmp_path)
    messages = {action.name: action.message for action in configured_actions(settings)}
    assert messages.pop("save_valuable").startswith("Call {display_name}")
    defaults = {action.name: action.message for action in configured_actions(settings.model_copy(update={"actions": None}))}
    assert messages == {name: message for name, message in defaults.items() if name in messages}
    assert not any("Ask" in message or "Tell" in message for message in messages.values())
