"""Grading with a learner's kit: examples alone are checked, that is said everywhere, and no point comes from it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from kit import ROOT, grade, solution, submission, task
from rich.console import Console
from schemas_kit import errors
from typer.testing import CliRunner

from grader import cli, commands, course, score
from grader import kit as kit_of_learners
from grader import status as map_of
from grader.checker import run
from grader.desk import init
from grader.desk.desk import lay_out
from grader.desk.hints import next_hint
from grader.desk.solution import solution_of
from grader.errors import GraderFault, UsageError
from grader.model import Report, Status, Verdict
from grader.pipeline import HIDDEN, Grader
from grader.report import html, junit, record, terminal, words
from grader.watch.screen import Progress, Screen
from grader.workspace import recall, remember

KNOWN = course.load()
KIT = replace(KNOWN, kit=True)
EX = "ex03_output_size"
TASKS = sum(len(exercise.tasks) for exercise in KNOWN.exercises)
STYLES = sorted((ROOT / "tests" / "right").glob("ex*/*.py"))
FORMS = {"json": record.render, "html": html.render, "junit": junit.render}


@pytest.fixture(scope="module")
def kit(grader: Grader) -> Grader:
    return replace(grader, course=KIT)


@pytest.fixture(scope="module")
def right(kit: Grader) -> Report:
    return kit.grade(submission({name: solution(name) for name in KNOWN.names}))


def printed(part: object, width: int = 80) -> str:
    console = Console(width=width, no_color=True)
    with console.capture() as said:
        console.print(part)
    return said.get()


def in_terminal(report: Report) -> str:
    console = Console(width=100, no_color=True)
    with console.capture() as said:
        terminal.render(report, console)
    return said.get()


def wrong(name: str, body: str) -> str:
    """ex03's stub with one task written."""
    head, _, tail = KNOWN.stub_file(EX).read_text("utf-8").partition(f"def {name}(")
    return f"{head}def {name}({tail.replace('raise NotImplementedError', body, 1)}"


class TestRight:
    def test_examples_of_every_task_pass_and_none_has_passed(self, right: Report) -> None:
        tasks = [task for exercise in right.exercises for task in exercise.tasks]

        assert {task.status for task in tasks} == {Status.EXAMPLES}
        assert len(tasks) == TASKS

    def test_there_are_no_points(self, right: Report) -> None:
        assert (words.in_a_kit(right), right.score, right.max_score) == (
            True,
            0.0,
            sum(each.points for each in KNOWN.exercises),
        )
        assert score.exit_code(right) == score.NOT_ALL_POINTS

    def test_the_hidden_checks_are_named_and_have_not_run(self, right: Report) -> None:
        (shown, hidden) = right.exercises[0].tasks[0].checks

        assert (shown.verdict, shown.spec.points) == (Verdict.PASSED, 0)
        assert (hidden.verdict, hidden.spec.title) == (Verdict.NOT_RUN, HIDDEN)
        assert hidden.spec.points == KNOWN.exercises[0].tasks[0].points

    @pytest.mark.parametrize("form", FORMS)
    def test_nothing_that_is_written_says_that_it_passed(self, right: Report, form: str) -> None:
        text = FORMS[form](right)
        assert "Well done" not in text
        assert not re.search(r"(?<![\d,.])0 of (?![\d,]+ (s|MB)\b)", text)  # what a training took is said
        assert not any(f"{points:g} / {points:g}" in text for points in {e.points for e in KNOWN.exercises})

    def test_the_json_keeps_to_its_schema_and_says_that_this_is_a_kit(self, right: Report) -> None:
        made = json.loads(record.render(right))

        assert errors("grade-1", record.render(right)) == []
        assert made["kit"] is True
        assert {task["status"] for exercise in made["exercises"] for task in exercise["tasks"]} == {"todo"}

    def test_the_terminal_says_what_was_checked_and_who_gives_points(self, right: Report) -> None:
        text = " ".join(in_terminal(right).split())

        assert "○ examples pass conv2d – / 12" in text
        assert f"Public examples: they pass in {TASKS} of {TASKS} tasks." in text
        assert words.ELSEWHERE in text
        assert "hand it in" in text
        assert "Score" not in text

    def test_junit_skips_what_is_elsewhere(self, right: Report) -> None:
        assert f'tests="{2 * TASKS}" failures="0" errors="0" skipped="{TASKS}"' in junit.render(right)


@pytest.mark.parametrize("file", STYLES, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_right_answers_of_any_style_pass_the_examples(kit: Grader, file: Path) -> None:
    """Without a reference an answer is held to what the example prints: no right one may fail for that."""
    (made,) = grade(kit, file.parent.name, file.read_text("utf-8")).exercises
    assert {task.name: task.status for task in made.tasks if task.status is not Status.EXAMPLES} == {}


class TestWrong:
    def test_an_example_that_fails_is_shown(self, kit: Grader) -> None:
        made = grade(kit, EX, wrong("same_padding", "return 7"))
        found = task(made, "same_padding")

        assert (found.status, found.checks[0].verdict) == (Status.FAILED, Verdict.WRONG)
        assert found.diagnosis is None
        text = in_terminal(made)
        assert ">>> same_padding(3) should give 1, got 7" in text
        assert "Also:" not in text  # what is not here is no failure of theirs
        assert "Next: grade run ex03_output_size::same_padding" in text

    def test_right_for_the_examples_alone_is_no_point(self, kit: Grader) -> None:
        made = grade(kit, EX, wrong("same_padding", "return {3: 1, 5: 4}[kernel_size]"))
        assert (task(made, "same_padding").status, made.score) == (Status.EXAMPLES, 0.0)

    def test_an_answer_that_an_example_cannot_go_on_with_is_wrong_and_no_fault(self, kit: Grader) -> None:
        text = KNOWN.stub_file("ex04_conv").read_text("utf-8").replace("raise NotImplementedError", "return 'text'", 2)
        made = grade(kit, "ex04_conv", text)
        verdicts = {task.checks[0].verdict for task in made.exercises[0].tasks[:2]}

        assert verdicts == {Verdict.WRONG}
        assert not made.faulty

    def test_a_task_that_builds_on_a_wrong_one_asks_no_reference(self, kit: Grader) -> None:
        """A second chance takes the reference, which a kit has not."""
        text = solution("ex04_conv").replace("    ### BEGIN SOLUTION\n", "    ### BEGIN SOLUTION\n    return x\n", 1)
        made = grade(kit, "ex04_conv", text)
        assert not made.faulty
        assert Status.FAILED in {task.status for task in made.exercises[0].tasks}

    def test_stubs_are_to_do(self, kit: Grader) -> None:
        made = grade(kit, EX, KNOWN.stub_file(EX).read_text("utf-8"))
        assert {task.status for task in made.exercises[0].tasks} == {Status.TODO}
        assert score.exit_code(made) == score.NOT_ALL_POINTS

    def test_where_there_is_no_exercise_nothing_was_checked(self, kit: Grader) -> None:
        assert score.exit_code(kit.grade(submission({}))) == score.NOTHING_CHECKED


def test_without_the_mark_a_check_file_that_is_missing_is_our_fault(
    grader: Grader, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A kit is never guessed from what is absent."""
    monkeypatch.setattr(run, "CHECKS", tmp_path)
    with pytest.raises(GraderFault, match=f"test_{EX}.py is missing"):
        grade(grader, EX, solution(EX))


@pytest.fixture
def desk(kit: Grader, tmp_path: Path) -> Path:
    """A folder in which ex03 was graded with a kit, and all its examples pass."""
    init.make(KIT, tmp_path)
    (tmp_path / "exercises" / f"{EX}.py").write_text(solution(EX))
    remember(tmp_path, grade(kit, EX, solution(EX)), {EX: solution(EX)})
    return tmp_path


class TestDesk:
    def test_the_map_has_no_points_and_knows_which_examples_pass(self, desk: Path) -> None:
        console = Console(width=100, no_color=True)
        sources = {EX: (desk / "exercises" / f"{EX}.py").read_text()}
        with console.capture() as said:
            map_of.render(KIT, sources, recall(desk), console)
        text = said.get()

        assert "– / 25   examples pass in 6 of 6 tasks" in text
        assert "25 / 25" not in text
        assert words.ELSEWHERE in " ".join(text.split())
        assert "hand it in" in text

    def test_examples_that_pass_are_no_pass_to_a_whole_grader(self, desk: Path) -> None:
        """Its folder may come to where everything is checked: there nothing has passed yet."""
        laid = lay_out(KNOWN, desk)
        assert not laid.passed(EX, "same_padding")
        assert laid.done(EX, "same_padding")

    def test_hints_are_told_and_lead_to_no_solution(self, desk: Path) -> None:
        tasks = KIT.exercise(EX).tasks
        for _ in tasks[0].hints:
            last = printed(next_hint(KIT, desk, f"{EX}::{tasks[0].name}"))
        assert "This was the last hint." in last
        assert "grade solution" not in last
        assert "Every task of ex03_output_size passes its examples." in " ".join(
            printed(next_hint(KIT, desk, EX)).split()
        )

    @pytest.mark.parametrize("spoil", [False, True])
    def test_a_solution_is_not_there_and_that_is_said(self, desk: Path, spoil: bool) -> None:
        with pytest.raises(UsageError, match="is not in a learner's kit"):
            solution_of(KIT, desk, f"{EX}::same_padding", spoil=spoil)
        assert recall(desk).spoiled == {}

    def test_a_folder_made_with_a_kit_says_what_is_checked(self) -> None:
        readme = init.files(KIT)["README.md"]
        assert "Points are given where your course grades" in readme
        assert "name of the mistake" not in readme


def test_watching_says_examples_and_no_points(right: Report) -> None:
    console = Console(width=100, no_color=True)
    with console.capture() as said:
        Screen(console, kit=True).verdict(right, Progress(0.0, 366.0, 3, 71), 0.1, None)
    text = said.get()

    assert "examples pass in 3 of 71 tasks" in text
    assert "The examples pass." in text
    assert "Well done" not in text


class TestCommands:
    @pytest.fixture(autouse=True)
    def in_a_kit(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(course, "load", lambda: KIT)

    @pytest.mark.parametrize("command", sorted(kit_of_learners.STAFF))
    def test_what_the_staff_does_is_refused_with_a_sentence(self, command: str) -> None:
        done = CliRunner().invoke(cli.app, [command, "x", "--to", "y"])
        assert isinstance(done.exception, UsageError)
        assert (
            f"this is a learner's kit, without hidden checks and references: `grade {command}` is for the staff"
            in str(done.exception)
        )

    def test_the_help_does_not_list_it(self) -> None:
        before = {id(each): each.hidden for each in cli.app.registered_commands}
        try:
            kit_of_learners.hide(cli.app)
            text = CliRunner().invoke(cli.app, ["--help"]).stdout
        finally:
            for each in cli.app.registered_commands:
                each.hidden = before[id(each)]
        listed = {line.split()[1] for line in text.splitlines() if line.startswith("│ ") and line[2] != " "}
        assert {"run", "watch", "hint", "doctor"} <= listed
        assert not listed & kit_of_learners.HIDDEN

    def test_the_staff_of_a_whole_grader_is_refused_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(course, "load", lambda: KNOWN)
        monkeypatch.setattr(commands, "write_release", lambda *_, **__: 0)
        assert CliRunner().invoke(cli.app, ["release", "learner", "--to", "y"]).exit_code == 0
