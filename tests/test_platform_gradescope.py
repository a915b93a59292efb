"""Gradescope: the zip, what its metadata means, and a results.json whatever happens."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import subprocess
import zipfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_samples import SAMPLES
from schemas_kit import errors

from grader import course
from grader.errors import GraderFault, UsageError
from grader.model import Isolation
from grader.platforms import gradescope, gradescope_run
from grader.platforms.gradescope_terms import Limit, Settings, limit, metadata, refusal, settings, terms
from grader.platforms.gradescope_zip import packed, write_zip
from grader.platforms.releases import Wish, release

EX = "ex03_output_size"
DUE = datetime(2026, 11, 20, 23, 59, tzinfo=UTC)


def told(after: timedelta = timedelta(0), earlier: tuple[dict, ...] = (), **assignment: object) -> str:
    """submission_metadata.json as the documentation shows it."""
    return json.dumps(
        {
            "id": 123456,
            "created_at": (DUE + after).isoformat(),
            "assignment": {
                "due_date": DUE.isoformat(),
                "late_due_date": None,
                "group_submission": False,
                "id": 25828,
                "course_id": 1234,
                "release_date": "2026-11-02T00:00:00.000000-08:00",
                "title": "Exercises",
                "total_points": "25.0",
                **assignment,
            },
            "submission_method": "upload",
            "users": [{"email": "a@example.edu", "id": 1234, "name": "Ada <script>"}],
            "previous_submissions": list(earlier),
        }
    )


def before(minutes: float, score: float | None = 12.0, **more: object) -> dict:
    """A submission that many minutes before the due date."""
    moment = (DUE - timedelta(minutes=minutes)).isoformat()
    return {"submission_time": moment, "score": score, "autograder_error": False, "results": {}, **more}


class TestLate:
    wanted = Settings(late="10%/day, at most 50%")

    @pytest.mark.parametrize(("days", "taken"), [(-1, 0), (0, 0), (0.5, 0.1), (1.2, 0.2), (30, 0.5)])
    def test_the_policy_is_that_of_grade_export(self, days: float, taken: float) -> None:
        found = terms(metadata(told(timedelta(days=days))), self.wanted)
        assert found.penalty == pytest.approx(taken)
        assert bool(found.notes) == (taken > 0)

    def test_without_a_policy_or_a_due_date_nobody_is_late(self) -> None:
        assert terms(metadata(told(timedelta(days=3))), Settings()).penalty == 0
        assert terms(metadata(told(timedelta(days=3), due_date=None)), self.wanted).penalty == 0

    def test_one_who_was_given_more_time_has_it(self) -> None:
        data = json.loads(told(timedelta(days=3)))
        data["users"][0]["assignment"] = {"due_date": (DUE + timedelta(days=4)).isoformat()}
        assert terms(metadata(json.dumps(data)), self.wanted).penalty == 0

    def test_points_are_taken_off_once_and_the_learner_is_told(self) -> None:
        late = terms(metadata(told(timedelta(hours=1))), self.wanted)
        result = json.loads(gradescope.render(SAMPLES["course"], late))
        assert result["score"] == pytest.approx(SAMPLES["course"].score * 0.9)
        assert sum(test["score"] for test in result["tests"]) == pytest.approx(SAMPLES["course"].score)
        assert "1 hours late: 10% of your points are taken off" in result["output"]


class TestLimit:
    wanted = Settings(limit="2/day")

    def test_how_it_is_written(self) -> None:
        assert limit("5/day") == Limit(5, timedelta(days=1))
        assert limit("1 per 30 minutes") == Limit(1, timedelta(minutes=30))
        for wrong in ("", "5", "0/day", "five a day", "5/0 days"):
            with pytest.raises(UsageError, match="5/day"):
                limit(wrong)

    def test_over_it_the_last_graded_points_stand(self) -> None:
        graded = json.loads(gradescope.render(SAMPLES["course"]))
        over = refusal(metadata(told(earlier=(before(90, 3.0), before(30, 7.5, results=graded)))), self.wanted)
        assert over is not None
        standing, why = over
        assert standing.score == 7.5
        assert "2026-11-21 22:29" in why  # a day after the first of the two
        result = gradescope.not_graded(7.5, standing.tests, why)
        assert errors("gradescope-results", result) == []
        assert json.loads(result)["score"] == 7.5
        assert json.loads(result)["tests"] == graded["tests"]

    @pytest.mark.parametrize(
        "earlier",
        [
            (before(30),),
            (before(30), before(60 * 25)),  # yesterday's
            (before(30), before(20, None, autograder_error=True)),  # our fault
            (before(30), before(20, 12.0, results={"extra_data": {"counted": False}})),  # itself over the limit
        ],
    )
    def test_what_was_not_graded_and_what_is_long_ago_does_not_count(self, earlier: tuple[dict, ...]) -> None:
        assert refusal(metadata(told(earlier=earlier)), self.wanted) is None

    def test_the_time_is_that_of_the_submission_not_of_a_later_grading(self) -> None:
        text = told(-timedelta(days=900), (before(10), before(5)))
        assert refusal(metadata(text), self.wanted) is None


@pytest.mark.parametrize("text", ["", "[]", "null", "{}", '{"created_at": 3}', '{"created_at": "2026-11-20T10:00"}'])
def test_metadata_that_cannot_be_read_is_our_fault_and_no_grade(text: str) -> None:
    with pytest.raises(GraderFault, match="submission_metadata"):
        metadata(text)


NAMES = st.sampled_from(["created_at", "users", "assignment", "due_date", "previous_submissions", "score"])
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner)
)


@given(ANY_JSON)
def test_metadata_of_any_shape_ends_in_a_value_or_a_fault(value: object) -> None:
    with contextlib.suppress(GraderFault):
        metadata(json.dumps(value))


def process(*command: str) -> subprocess.Popen[bytes]:
    """Stands for the process that grades."""
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)


class TestResults:
    """results.json is there from the first moment to the last, and never a zero for what is our fault."""

    @pytest.fixture
    def root(self, tmp_path: Path) -> Path:
        for name in ("source", "submission", "results", "cache"):
            (tmp_path / name).mkdir()
        (tmp_path / "source" / "settings.json").write_text(packed_file("settings.json"))
        (tmp_path / "submission_metadata.json").write_text(told())
        return tmp_path

    def result(self, root: Path) -> dict:
        text = (root / "results" / "results.json").read_text()
        assert errors("gradescope-results", text) == []
        return json.loads(text)

    def test_what_the_grading_process_says_is_written(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(gradescope_run, "_ask", lambda *_: gradescope.render(SAMPLES["course"]))
        gradescope_run.supervise(root)
        assert self.result(root)["score"] == SAMPLES["course"].score
        assert self.result(root)["execution_time"] >= 0

    def test_while_it_grades_the_file_says_that_there_is_no_grade(
        self, root: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen = []

        def ask(*_: object) -> str:
            seen.append(self.result(root))
            return gradescope.render(SAMPLES["passed"])

        monkeypatch.setattr(gradescope_run, "_ask", ask)
        gradescope_run.supervise(root)
        assert "score" not in seen[0]
        assert "not your mistake" in seen[0]["output"]

    @pytest.mark.parametrize("problem", [GraderFault("why"), ValueError("x"), MemoryError()])
    def test_any_fault_gives_no_grade(
        self, root: Path, monkeypatch: pytest.MonkeyPatch, problem: Exception, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def ask(*_: object) -> str:
            raise problem

        monkeypatch.setattr(gradescope_run, "_ask", ask)
        gradescope_run.supervise(root)
        result = self.result(root)
        assert "score" not in result
        assert "tests" not in result
        assert result["extra_data"]["counted"] is False

    @pytest.mark.parametrize("answer", ["", "{}", "[]", '{"output": "x", "score": 3}', "Traceback"])
    def test_half_an_answer_is_none(self, root: Path, monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
        monkeypatch.setattr(gradescope_run, "_start", lambda *_: process("printf", "%s", answer))
        gradescope_run.supervise(root)
        assert "score" not in self.result(root)

    def test_one_that_takes_too_long_is_ended(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        kept = json.loads((root / "source" / "settings.json").read_text()) | {"seconds": 0.2}
        (root / "source" / "settings.json").write_text(json.dumps(kept))
        started = []

        def start(*_: object) -> subprocess.Popen[bytes]:
            started.append(process("sleep", "60"))
            return started[0]

        monkeypatch.setattr(gradescope_run, "_start", start)
        gradescope_run.supervise(root)
        assert started[0].returncode == -9
        assert "took longer" in self.result(root)["output"]

    @pytest.mark.parametrize("name", ["submission_metadata.json", "source/settings.json"])
    def test_without_what_it_reads_there_is_no_grade(
        self, root: Path, name: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (root / name).unlink()
        gradescope_run.supervise(root)
        assert "score" not in self.result(root)

    def test_over_the_limit_nothing_runs(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (root / "submission_metadata.json").write_text(told(earlier=tuple(before(i, float(i)) for i in range(1, 6))))
        monkeypatch.setattr(gradescope_run, "_ask", lambda *_: pytest.fail("it was started"))
        gradescope_run.supervise(root)
        assert self.result(root)["score"] == 1.0


def test_a_machine_that_cannot_lock_strangers_down_grades_none_unless_the_staff_says_so() -> None:
    with pytest.raises(GraderFault, match="locked down"):
        gradescope_run._guarded(Isolation.PROCESS, Settings())
    gradescope_run._guarded(Isolation.PROCESS, Settings(allow_unsandboxed=True))
    gradescope_run._guarded(Isolation.SANDBOXED, Settings())


def test_a_folder_that_was_zipped_whole_is_the_submission(tmp_path: Path) -> None:
    (tmp_path / "__MACOSX").mkdir()
    (tmp_path / "hw1").mkdir()
    (tmp_path / "hw1" / f"{EX}.py").write_text("x = 1\n")
    assert set(gradescope_run._collected(tmp_path, (EX,), EX).modules) == {EX}


def packed_file(name: str, wanted: Settings = Settings((EX,), "10%/day", "5/day")) -> str:  # noqa: B008
    with zipfile.ZipFile(io.BytesIO(packed(course.load(), wanted))) as archive:
        return archive.read(name).decode()


class TestZip:
    def test_it_has_what_gradescope_runs_at_its_root_and_can_be_executed(self, tmp_path: Path) -> None:
        release("gradescope", Wish(course.load(), (EX,), tmp_path / "a.zip"))
        with zipfile.ZipFile(tmp_path / "a.zip") as archive:
            entries = {entry.filename: entry for entry in archive.infolist()}
            for name in ("setup.sh", "run_autograder"):
                assert entries[name].external_attr >> 16 & 0o777 == 0o755
                assert archive.read(name).startswith(b"#!/usr/bin/env bash\n")
            assert "package/grader/cli.py" in entries
            assert "package/pyproject.toml" in entries

    def test_the_same_exercises_give_the_same_zip(self) -> None:
        assert packed(course.load(), Settings((EX,))) == packed(course.load(), Settings((EX,)))

    def test_settings_are_read_back_as_they_were_given(self) -> None:
        assert settings(packed_file("settings.json")) == Settings((EX,), "10%/day", "5/day")

    @pytest.mark.parametrize(
        "text", ["", "{}", '{"exercises": [], "seconds": "x"}', '{"exercises": [], "seconds": 9, "late": "x"}']
    )
    def test_settings_that_were_spoilt_grade_nobody(self, text: str) -> None:
        with pytest.raises(GraderFault, match=r"settings\.json"):
            settings(text)

    @pytest.mark.parametrize("name", ["setup.sh", "run_autograder"])
    def test_the_scripts_are_bash(self, name: str) -> None:
        done = subprocess.run(["bash", "-n"], input=packed_file(name), text=True, capture_output=True, timeout=20)
        assert (done.returncode, done.stderr) == (0, "")

    def test_the_setup_proves_the_exercises_that_are_graded(self) -> None:
        assert f"grader.platforms.warm {EX}\n" in packed_file("setup.sh")

    @pytest.mark.parametrize("wanted", [Settings((EX,), late="x"), Settings((EX,), limit="x")])
    def test_a_setting_that_is_not_understood_writes_nothing(self, tmp_path: Path, wanted: Settings) -> None:
        with pytest.raises(UsageError):
            write_zip(course.load(), tmp_path / "a.zip", wanted)
        assert list(tmp_path.iterdir()) == []

    def test_nothing_is_overwritten_and_it_is_a_zip(self, tmp_path: Path) -> None:
        (tmp_path / "a.zip").write_text("mine")
        for name in ("a.zip", "folder"):
            with pytest.raises(UsageError):
                write_zip(course.load(), tmp_path / name, Settings((EX,)))
        assert (tmp_path / "a.zip").read_text() == "mine"


def test_run_autograder_writes_a_result_where_there_is_no_python(tmp_path: Path) -> None:
    script = packed_file("run_autograder").replace("root=/autograder", f"root={tmp_path}")
    (tmp_path / "submission").mkdir()
    done = subprocess.run(["bash", "-s"], input=script, text=True, capture_output=True, timeout=20)
    assert done.returncode != 0
    text = (tmp_path / "results" / "results.json").read_text()
    assert errors("gradescope-results", text) == []
    assert "score" not in json.loads(text)


def test_a_report_without_a_wall_still_says_which(tmp_path: Path) -> None:
    made = SAMPLES["passed"]
    weak = replace(made, environment=replace(made.environment, isolation=Isolation.PROCESS))
    assert json.loads(gradescope.render(weak))["extra_data"]["isolation"] == "process"


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_the_setup_asks_for_no_secret_and_names_no_host() -> None:
    assert "://" not in packed_file("setup.sh")
