"""`grade release learner`: what it writes, what it leaves alone, and that nothing hidden is in it."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Mapping
from email.parser import Parser
from pathlib import Path

import pytest
from kit import ROOT, solution
from secrets_kit import leaks, secrets
from typer.main import get_command

from grader import cli, course, kit, plan, source
from grader.collect import collect
from grader.errors import GraderFault, UsageError
from grader.platforms import packing
from grader.platforms.learner.kit import files, write_kit
from grader.platforms.learner.wheel import STAFF_NEEDS, STAFF_ROOMS, wheel
from grader.platforms.releases import Wish, release

KNOWN = course.load()
EVERY = KNOWN.names
SOME = ("ex02_filters", "ex03_output_size")


@pytest.fixture(scope="module")
def made() -> dict[str, bytes]:
    return files(KNOWN, EVERY)


@pytest.fixture(scope="module")
def inside(made: Mapping[str, bytes]) -> dict[str, bytes]:
    """The members of the wheel."""
    return unpacked(made)


def unpacked(made: Mapping[str, bytes]) -> dict[str, bytes]:
    (content,) = (content for name, content in made.items() if name.endswith(".whl"))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


class TestNothingHidden:
    def test_nothing_of_a_reference_a_check_or_a_misconception_is_in_a_kit(self, made: Mapping[str, bytes]) -> None:
        assert leaks(made, secrets(hints=False)) == {}

    def test_every_file_is_text_that_can_be_searched(
        self, made: Mapping[str, bytes], inside: Mapping[str, bytes]
    ) -> None:
        """No compiled code, no picture, no database: what cannot be read cannot be searched."""
        for name, content in {**made, **inside}.items():
            if not name.endswith(".whl"):
                assert set(content.decode("utf-8")).isdisjoint(map(chr, range(9))), name

    def test_no_file_of_the_staff_is_in_it(self, inside: Mapping[str, bytes]) -> None:
        rooms = {name.split("/")[1] for name in inside if name.startswith("grader/")}
        assert not rooms & STAFF_ROOMS
        assert {name for name in inside if "/checks/" in name} == {
            "grader/checks/__init__.py",
            "grader/checks/pytest.ini",
        }
        course_data = {name for name in inside if "/course_data/" in name}
        assert course_data == {
            "grader/course_data/exercises/course.toml",
            *(f"grader/course_data/solutions/{name}.py" for name in EVERY),
        }

    @pytest.mark.parametrize("name", EVERY)
    def test_a_source_without_solutions_makes_the_same_stub_and_tells_the_same_hints(self, name: str) -> None:
        text = solution(name)
        less = source.without_solutions(text)

        assert source.stub(less) == source.stub(text)
        assert source.read(less, name) == source.read(text, name)
        assert source.without_solutions(less) == less


def test_a_source_without_a_region_is_not_given_away() -> None:
    with pytest.raises(GraderFault, match="has no '### BEGIN SOLUTION'"):
        source.without_solutions('"""Statement."""\n\n\ndef task():\n    return 42\n')


def test_the_same_course_makes_the_same_bytes(made: Mapping[str, bytes]) -> None:
    assert files(KNOWN, EVERY) == made


def test_another_course_is_another_version() -> None:
    """So that pip installs what is new, and says nothing of what is not."""
    names = [next(name for name in files(KNOWN, what) if name.endswith(".whl")) for what in (SOME, SOME[:1])]
    assert names[0] != names[1]
    assert all(re.fullmatch(r"vendor/cnn_grader-[\d.]+\+kit\.[0-9a-f]{8}-py3-none-any\.whl", name) for name in names)


def test_a_wheel_of_other_bytes_is_another_version(monkeypatch: pytest.MonkeyPatch) -> None:
    before = wheel(KNOWN, SOME)
    monkeypatch.setattr(packing, "license_text", lambda: "another licence")
    after = wheel(KNOWN, SOME)
    assert before[1] != after[1]
    assert before[0] != after[0]


def test_the_wheel_is_what_its_record_says(inside: Mapping[str, bytes]) -> None:
    (record,) = (content for name, content in inside.items() if name.endswith("/RECORD"))
    rows = [line.split(",") for line in record.decode().splitlines()]

    assert [name for name, _, _ in rows] == list(inside)
    assert all(int(size) == len(inside[name]) for name, _, size in rows[:-1])


def test_it_asks_for_what_the_rooms_in_it_need(inside: Mapping[str, bytes]) -> None:
    (about,) = (content for name, content in inside.items() if name.endswith("/METADATA"))
    listed = [text.split(">=")[0] for text in Parser().parsestr(about.decode()).get_all("Requires-Dist", [])]
    assert listed == sorted(listed)  # a checkout and what was installed from it list them in other orders
    assert set(listed) == {need.name for need in packing.needs()} - STAFF_NEEDS

    code = "\n".join(content.decode() for name, content in inside.items() if name.endswith(".py"))
    assert not [name for name in STAFF_NEEDS if re.search(rf"^\s*(from|import) {name}\b", code, re.MULTILINE)]


def test_of_some_exercises_there_are_those_alone() -> None:
    made = files(KNOWN, SOME)
    inside = unpacked(made)

    assert [name for name in made if name.startswith("exercises/")] == [f"exercises/{name}.py" for name in SOME]
    assert "ex04" not in made["README.md"].decode()
    assert "6 tasks in 1 exercise." in files(KNOWN, SOME[1:])["README.md"].decode()
    assert plan.read(inside["grader/course_data/exercises/course.toml"].decode()).kit == SOME
    assert [name for name in inside if "/solutions/" in name] == [f"grader/course_data/solutions/{n}.py" for n in SOME]


def test_a_course_knows_that_it_is_a_kit(tmp_path: Path) -> None:
    for name, content in unpacked(files(KNOWN, SOME)).items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    made = course.load(tmp_path / "grader" / "course_data")

    assert (made.kit, KNOWN.kit) == (True, False)
    assert made.names == SOME
    assert made.exercises == tuple(KNOWN.exercise(name) for name in SOME)


def test_a_kit_of_what_there_is_not_is_a_mistake_in_course_toml() -> None:
    text = (ROOT / "exercises" / "course.toml").read_text("utf-8")
    with pytest.raises(ValueError, match="the kit has 'ex99_none', which is no exercise"):
        plan.read(f'kit = ["ex99_none"]\n{text}')


class TestFiles:
    def test_every_stub_is_there_and_is_found_for_grading(self, tmp_path: Path) -> None:
        write_kit(KNOWN, EVERY, tmp_path)
        found = collect(tmp_path, EVERY)

        assert found.notes == ()
        assert {name: module.source for name, module in found.modules.items()} == {
            name: KNOWN.stub_file(name).read_text("utf-8") for name in EVERY
        }

    def test_the_readme_names_every_exercise_and_commands_that_a_kit_has(self, made: Mapping[str, bytes]) -> None:
        readme = made["README.md"].decode()
        commands = set(re.findall(r"`grade (\w+)", readme))

        assert all(f"| {each.name} | {each.title} | {each.points:g} |" in readme for each in KNOWN.exercises)
        assert {"show", "run", "watch", "hint", "reset"} <= commands <= set(get_command(cli.app).commands) - kit.STAFF
        assert "$ pip install -r requirements.txt\n$ grade\n" in readme
        for what in re.findall(r"`grade \w+ (\S+?)`", readme):
            KNOWN.select(what)

    def test_what_is_installed_is_the_wheel_that_lies_there(self, made: Mapping[str, bytes]) -> None:
        lines = made["requirements.txt"].decode().splitlines()
        assert [line.removeprefix("./") in made for line in lines if not line.startswith("#")] == [True]

    def test_an_editor_runs_commands_that_there_are(self, made: Mapping[str, bytes]) -> None:
        tasks = json.loads(made[".vscode/tasks.json"])["tasks"]
        arguments = [task["args"] for task in tasks]

        assert all(each[:3] == ["-P", "-m", "grader"] for each in arguments)
        assert [each[3] for each in arguments] == ["run", "watch", "hint", "status"]
        assert {each[3] for each in arguments} <= set(get_command(cli.app).commands) - kit.STAFF

    def test_a_container_installs_as_the_readme_says(self, made: Mapping[str, bytes]) -> None:
        container = json.loads(made[".devcontainer/devcontainer.json"])
        file = made[f".devcontainer/{container['build']['dockerfile']}"].decode()

        assert container["postCreateCommand"] == "python -m venv .venv && .venv/bin/pip install -r requirements.txt"
        assert re.findall(r"^USER (\w+)$", file, re.MULTILINE) == [container["remoteUser"]]
        assert json.loads(made[".vscode/settings.json"])["python.defaultInterpreterPath"].endswith(".venv/bin/python")

    def test_the_licence_comes_along(self, made: Mapping[str, bytes], inside: Mapping[str, bytes]) -> None:
        text = (ROOT / "LICENSE").read_bytes()
        assert made["LICENSE"] == text
        assert [content for name, content in inside.items() if name.endswith("licenses/LICENSE")] == [text]


class TestOverwritesNothing:
    def test_what_is_there_is_left_alone_and_named(self, tmp_path: Path) -> None:
        (tmp_path / "exercises").mkdir()
        work = tmp_path / "exercises" / "ex02_filters.py"
        work.write_text("mine")
        said = release("learner", Wish(KNOWN, SOME, tmp_path))

        assert work.read_text() == "mine"
        assert said[0] == "exercises/ex02_filters.py: left as it is; move it away to have it written anew"
        assert "exercises/ex03_output_size.py: written" in said

    def test_again_changes_nothing(self, tmp_path: Path) -> None:
        write_kit(KNOWN, SOME, tmp_path)
        assert all(line.endswith("is there already") for line in write_kit(KNOWN, SOME, tmp_path)[:-1])

    def test_no_grader_is_added_that_nothing_installs(self, tmp_path: Path) -> None:
        write_kit(KNOWN, SOME[:1], tmp_path)
        said = write_kit(KNOWN, SOME, tmp_path)

        assert len(list((tmp_path / "vendor").iterdir())) == 1
        assert any("not written, requirements.txt asks for another one" in line for line in said)

    def test_a_file_is_no_folder(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(UsageError, match="no folder"):
            write_kit(KNOWN, SOME, tmp_path / "file")

    def test_nothing_is_written_through_a_link(self, tmp_path: Path) -> None:
        elsewhere, folder = tmp_path / "elsewhere", tmp_path / "kit"
        elsewhere.mkdir()
        folder.mkdir()
        (folder / "exercises").symlink_to(elsewhere)
        with pytest.raises(UsageError, match="exercises is a symbolic link"):
            write_kit(KNOWN, SOME, folder)
        assert list(elsewhere.iterdir()) == []
