"""The documents say what the code does: generated pages are current, commands and links in the README exist."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from flows.documents import PAGES
from runtime.run_context import ROOMS
from tests.paths import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES_OF_PROSE = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "examples").glob("*/README.md")),
]


@pytest.mark.parametrize("name", PAGES)
def test_a_generated_page_is_what_the_code_says_today(name: str) -> None:
    assert (ROOT / "docs" / name).read_text(encoding="utf-8") == PAGES[name](), "run `make docs`"


def test_every_make_target_in_the_readme_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    named = set(re.findall(r"(?:^    |`)make ([a-z-]+)", README, flags=re.MULTILINE))
    assert {"nightly", "test"} <= named
    assert named <= targets


def test_every_command_in_the_documents_is_one_the_command_line_knows() -> None:
    from flows.cli import cli

    for page in PAGES_OF_PROSE:
        named = set(re.findall(r"`evenfall ([a-z]+)", page.read_text(encoding="utf-8")))
        assert named <= set(cli.commands), f"{page.name}: {named - set(cli.commands)}"


@pytest.mark.parametrize("page", PAGES_OF_PROSE, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8"))
    for link in links:
        if "://" not in link:
            assert (page.parent / link).exists(), link


def test_the_help_of_every_command_names_its_options() -> None:
    from flows.cli import cli

    for name, command in cli.commands.items():
        assert command.help, name
        for parameter in command.params:
            assert getattr(parameter, "help", None) or parameter.param_type_name == "argument", f"{name}: {parameter.name}"


def test_help_loads_nothing_heavy() -> None:
    heavy = ("polars", "prefect", "mlflow", "lightgbm", "great_expectations", "pandas", "sklearn")
    code = (
        "import sys\nfrom flows.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit as ended:\n    assert ended.code == 0\n"
        f"print([name for name in {heavy!r} if name in sys.modules], file=sys.stderr)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stderr.strip() == "[]"


def test_no_module_has_outgrown_its_purpose() -> None:
    rooms = (*ROOMS, "notebooks", "benchmarks", "tests")
    long = [
        str(path)
        for room in rooms
        for path in (ROOT / room).rglob("*.py")
        if ".venv" not in path.parts and len(path.read_text().splitlines()) > 400
    ]
    assert long == []


@pytest.mark.parametrize("path", [*sorted(ROOT.glob("requirements*.lock")), ROOT / "benchmarks" / "requirements.lock"], ids=str)
def test_a_lock_has_hashes_and_no_index_address(path: Path) -> None:
    lock = path.read_text()
    assert "://" not in lock
    pins = re.findall(r"^[a-z0-9._-]+(?:\[[a-z,]+\])?==\S+", lock, flags=re.MULTILINE)
    assert pins
    assert lock.count("--hash=sha256:") >= len(pins)


def test_deployments_name_flows_by_module() -> None:
    import importlib

    import yaml

    deployments = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
    assert {deployment["name"] for deployment in deployments} == {"nightly", "train", "backfill"}
    for deployment in deployments:
        module, flow = deployment["entrypoint"].rsplit(".", 1)
        source = Path(importlib.util.find_spec(module).origin)
        assert f"def {flow}(" in source.read_text()
