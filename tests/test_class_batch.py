"""What `grade batch` writes about a class at its end: page and table, with what was decided since the last one."""

from __future__ import annotations

from marks_kit import CONV, STRIDE, row

from grader import course
from grader.batch.parcel import Graded
from grader.batch.run import Asked, Batch, Tally, opened, setup_of
from grader.marks import Edit, regrade
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
