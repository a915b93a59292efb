"""docs/commands.md names every command and every option that there is, and none that there is not."""

from __future__ import annotations

import json
import re

import pytest
from kit import ROOT
from schemas_kit import FOLDER
from typer.main import get_command

from grader import cli
from grader.platforms import formats, releases

PAGE = (ROOT / "docs" / "commands.md").read_text("utf-8")
COMMANDS = get_command(cli.app).commands


def rows() -> dict[str, str]:
    """Command -> its lines of the tables."""
    found: dict[str, str] = {}
    name = ""
    for line in PAGE.split("\n"):
        if line.startswith("| "):
            named = re.findall(r"`grade (\w+)", line.split(" | ")[0])
            name = named[-1] if named else name if line.startswith("| |") else ""
            found[name] = found.get(name, "") + line
    return found


def test_every_command_is_there_and_no_other() -> None:
    assert rows().keys() - {""} == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_there_and_no_other(name: str) -> None:
    options = {option for one in COMMANDS[name].params for option in one.opts if option.startswith("--")} - {"--help"}
    assert set(re.findall(r"--[a-z-]+", rows()[name])) == options


def test_kinds_are_those_that_there_are() -> None:
    assert set(formats.FORMATS) <= set(re.findall(r"`([\w-]+)`", rows()["ci"]))
    assert set(releases.KINDS) <= set(re.findall(r"`([\w-]+)`", rows()["release"]))


def test_the_readme_leads_there() -> None:
    assert "(docs/commands.md)" in (ROOT / "README.md").read_text("utf-8")


def fields(schema: object) -> set[str]:
    if isinstance(schema, list):
        return set().union(*map(fields, schema))
    if not isinstance(schema, dict):
        return set()
    return set(schema.get("properties", {})) | set().union(*map(fields, schema.values()))


def test_docs_result_has_every_field_of_the_result() -> None:
    page = (ROOT / "docs" / "result.md").read_text("utf-8")
    schema = json.loads((FOLDER / "grade-1.schema.json").read_text("utf-8"))
    assert {name for name in fields(schema) if not re.search(rf'["`]{name}["`]', page)} == set()
