"""What `grade batch` writes about a class at its end: page and table, with what was decided since the last one."""

from __future__ import annotations

import shutil

import pytest
from marks_kit import CONV, STRIDE, row

from grader import course
from grader.batch.parcel import Graded
from grader.batch.run import Asked, Batch, Tally, opened, setup_of
from grader.errors import UsageError
from grader.marks import Edit, place, regrade
from grader.model import Environment, Isolation

HERE = Environment("0", "3", "2", "cpu", Isolation.SANDBOXED, 0, ("bubblewrap",))


class Pretending:
    """Jobs that give everybody the result of `row(name, "+-+")`."""

    def rehearse(self) -> None: ...

    def run(self, parcels):
        for parcel in parcels:
            made = row(parcel.name, "+-+")
            yield parcel, Graded(made.record, "<p>", made.score, made.max_score, 0.1)


def test_a_batch_writes_page_and_table_and_keeps_to_what_was_decided(tmp_path):
    asked = Asked(tmp_path / "class", tmp_path / "out")

    def run(*names: str) -> list[str]:
        for name in names:
            (asked.folder / name).mkdir(parents=True)
            (asked.folder / name / f"{CONV}.py").write_text("# mine", "utf-8")
        with opened(asked) as store:
            Batch(asked, course.load(), setup_of({}, "cpu", None), HERE, store, Tally()).run(Pretending())
        return (asked.out / "grades.csv").read_text("utf-8").splitlines()[1:]

    assert run("ada") == ["ada,graded,7,10,3,4"]
    assert "feedback/ada.html" in (asked.out / "report.html").read_text("utf-8")

    with opened(asked) as store:
        regrade.decide(store, {STRIDE: Edit(3.0, None)}, "grace", "ambiguous")

    assert run("bob") == ["ada,graded,7,7,3,4", "bob,graded,7,7,3,4"]
    assert "ambiguous" in (asked.out / "report.html").read_text("utf-8")


def test_why_something_could_not_be_read_does_not_say_where_it_lay(tmp_path):
    asked = Asked(tmp_path / "class", tmp_path / "out")
    asked.folder.mkdir()
    (asked.folder / "bad.zip").write_bytes(b"no zip")
    with opened(asked) as store:
        Batch(asked, course.load(), setup_of({}, "cpu", None), HERE, store, Tally()).run(Pretending())
        (found,) = store.rows()

    assert found.message.startswith("bad.zip: ")
    for text in (found.record, (asked.out / "feedback" / "bad.html").read_text("utf-8")):
        assert "bad.zip: " in text
        assert str(tmp_path) not in text


def test_a_database_is_one_outs_alone(tmp_path):
    """Two classes in one would be one to every page; the second would take the place of the first's grades."""
    url, folder = f"sqlite:///{tmp_path / 'ours.db'}", tmp_path / "class"
    (folder / "ada").mkdir(parents=True)

    def run(out):
        asked = Asked(folder, tmp_path / out, db=url)
        with opened(asked) as store:
            Batch(asked, course.load(), setup_of({}, "cpu", None), HERE, store, Tally()).run(Pretending())

    run("one")
    run("one")
    with pytest.raises(UsageError, match="holds the class of another OUT"):
        run("two")
    (tmp_path / "two").mkdir(exist_ok=True)
    with pytest.raises(UsageError, match="holds the class of another OUT"), place.opened(tmp_path / "two", url):
        pass
    (tmp_path / "one").rename(tmp_path / "moved")
    run("moved")
    shutil.copy(tmp_path / "moved" / ".class", tmp_path / "two")
    run("two")
    with place.opened(tmp_path / "two", url) as store:
        assert [row.name for row in store.rows()] == ["ada"]


def test_a_full_disk_is_said_and_takes_nothing_away(tmp_path, monkeypatch):
    asked = Asked(tmp_path / "class", tmp_path / "out")
    for name in ("ada", "bob"):
        (asked.folder / name).mkdir(parents=True)
    whole = "grader.batch.run.write_text"

    def full(path, text):
        if path.name.startswith("bob"):
            raise OSError(28, "No space left on device")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")

    monkeypatch.setattr(whole, full)
    with opened(asked) as store:
        batch = Batch(asked, course.load(), setup_of({}, "cpu", None), HERE, store, Tally())
        with pytest.raises(UsageError, match="cannot be written to: No space left on device; what was graded is kept"):
            batch.run(Pretending())
        assert list(store.keys()) == ["ada"]
