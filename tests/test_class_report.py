"""The page about a class: what it counts, what it says, and that nobody in the class can make it say something else."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from marks_kit import CONV, PAD, STRIDE, a_class, row
from report_samples import HOSTILE

from grader import course
from grader.classview import Summary, memory, publish, report_page
from grader.classview.alike import Likeness, Pair
from grader.classview.summary import CREDIT
from grader.marks import Edit, Edits, mark, regrade
from grader.store import Store

ROTATED, GIVEN = (
    "You rotated the kernel by 180°.",
    "Graded with a right pad2d in place of yours: the mistake there costs points once.",
)
CLASS = (
    row("ada", "+++", "+"),
    row("bob", "+-+", "-", diagnosis=ROTATED, seconds=1.2),
    row("cy", "+-~", None, diagnosis=f"{GIVEN} {ROTATED}", seconds=0.9),
    row("dee", "xtd", "t", seconds=60.0),
    row("eve", None, None),
    row("fay", "!++", "+", message="plain: KeyError in the check"),
    row("gus", None, None, status="unreadable", message="this is no zip that can be read", file="gus 12345678"),
)


class Parsed(HTMLParser):
    """What a browser would make of it: elements, attributes, texts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.texts.append(data)


@pytest.fixture
def page(tmp_path):
    def made(*rows, likeness=None, decide=()):
        out = a_class(tmp_path / "out", *(rows or CLASS))
        with Store.in_folder(out) as store:
            for edits, who, why in decide:
                regrade.decide(store, edits, who, why)
            return report_page(store, course.load(), likeness)

    return made


def summary(*rows):
    return Summary.of(mark(one, Edits()) for one in rows or CLASS)


def words(page: str) -> str:
    return " ".join(" ".join(Parsed(page).texts).split())


def test_the_distribution_is_of_those_who_were_read_and_have_a_grade():
    made = summary()

    assert made.shares == [1.0, 0.3, 0.2, 0.0, 0.0]
    assert [(index, count) for index, count in enumerate(made.bins) if count] == [(0, 2), (4, 1), (6, 1), (19, 1)]


def test_tenths_fall_into_the_bin_that_they_begin():
    rows = [
        row(str(index), signs, pad) for index, (signs, pad) in enumerate((("---", "-"), ("--+", "-"), ("-+-", "-")))
    ]

    assert [index for index, count in enumerate(summary(*rows).bins) if count] == [0, 2, 6]


def test_exercises_and_tasks_are_counted_over_those_who_handed_them_in():
    made = summary()
    conv, task = made.exercises[CONV], made.exercises[CONV].tasks["conv2d"]

    assert (conv.handed_in, conv.full, conv.mean, made.exercises[PAD].handed_in) == (5, 1, (6 + 3 + 2 + 0) / 4, 4)
    assert dict(task.states) == {"passed": 1, "failed": 3, "fault": 1}
    assert task.mean == 11 / 4


def test_mistakes_are_counted_by_sentence_without_what_was_given():
    (found,) = summary().mistakes

    assert (found.task, found.sentence, found.of) == ("conv2d", ROTATED, 5)
    assert [name for name, _ in found.who] == ["bob", "cy"]


def test_what_was_given_is_written_as_grader_credit_writes_it():
    from grader.credit import in_words

    for names in (["conv2d"], ["conv2d", "pad2d"]):
        assert CREDIT.fullmatch(in_words(names))


def test_whom_to_look_at():
    made = summary()

    assert {verdict.value: [(one.name, one.words) for one in listed] for verdict, listed in made.troubles.items()} == {
        "refused": [("dee", "conv2d")],
        "timed_out": [("dee", "conv2d, pad2d")],
        "died": [("dee", "conv2d")],
    }
    assert [(one.name, one.words) for one in made.slow] == [("dee", "60 s")]
    assert [(one.name, one.words) for one in made.faults] == [("fay", "plain: KeyError in the check")]
    assert [(one.name, one.words) for one in made.unreadable] == [("gus", "this is no zip that can be read")]
    assert [one.name for one in made.empty] == ["eve"]


def test_the_page_says_it_all(page):
    said = words(page())

    for expected in (
        "submissions 7 graded 5 mean 30 % median 20 %",
        f"2 of 5 {CONV}::conv2d · {ROTATED}",
        "No grade: the fault is ours 1 fay · plain: KeyError in the check",
        "Could not be read 1 gus · this is no zip that can be read",
        "Slow to grade 1 dee · 60 s",
        "grade report OUT --submissions DIR does",
    ):
        assert expected in said


def test_every_submission_has_a_line_and_a_way_to_its_feedback(page):
    links = [attrs["href"] for tag, attrs in Parsed(page()).tags if tag == "a" and attrs.get("class") == "theirs"]

    assert {f"feedback/{name}.html" for name in ("ada", "bob", "eve", "gus%2012345678")} <= set(links)


def test_the_page_is_a_function_of_the_store(page):
    assert page() == page()


def test_changes_in_force_are_told(page):
    said = words(page(decide=[({STRIDE: Edit(3.0, None)}, "grace", "it was <b>ambiguous</b>")]))

    assert f"{STRIDE}: 3 points → counts for nobody. Why: it was <b>ambiguous</b>" in said


def test_pairs_that_are_alike_are_linked(page):
    likeness = Likeness((Pair("ada", "gus", CONV, 97, 61),), ("ex05_pool",), ("ex03_output_size",))
    said = words(page(likeness=likeness))

    assert f"ada gus {CONV} 97 % 61 %" in said
    assert "In ex03_output_size nearly all are alike" in said
    assert "Only the first of ex05_pool were compared" in said


def test_who_was_alike_is_remembered_and_said_to_be_old_once_something_was_graded(tmp_path):
    likeness = Likeness((Pair("ada", "gus", CONV, 97, 61),), ("a",), ("b",))
    with Store.in_folder(a_class(tmp_path / "out", *CLASS)) as store:
        before = memory.recall(store)
        memory.remember(store, likeness)
        kept = memory.recall(store)
        page = report_page(store, course.load())
        store.put(replace(row("ada"), key="another"))

        assert (before, kept, memory.recall(store)) == (None, likeness, replace(likeness, old=True))
        assert "97 %" in page
        assert "Something was graded since" in report_page(store, course.load())

        store.note(memory.NOTE, "[]")

        assert memory.recall(store) is None


def test_a_class_of_nobody_is_a_page_too(page, tmp_path):
    out = a_class(tmp_path / "empty")
    with Store.in_folder(out) as store:
        said = report_page(store, course.load())

    for words in ("No mistake was recognised.", "No submission has a grade.", "There is no submission."):
        assert words in said
    assert "every submission could be read" not in said
    assert "<svg" not in said


def test_what_cannot_be_drawn_is_said(page, tmp_path):
    out = a_class(tmp_path / "alike", *(row(f"s{index}", "+++", "+") for index in range(3)))
    with Store.in_folder(out) as store:
        said = report_page(store, course.load())

    assert "No check is passed by some and failed by others." in said
    assert "share that passed</text>" not in said
    assert f"{PAD}: 1 check, one by one" in said


def test_nothing_hostile_gets_through(page):
    hostile = HOSTILE.replace("\ud800", "")  # no database takes half a character; records escape it
    name = hostile.replace("\x00", "")
    text = page(
        row(name, "+-+", diagnosis=HOSTILE, message=hostile, file='"><script>x'),
        row("u", None, None, status="unreadable", message=hostile, file="'onload=x"),
        likeness=Likeness((Pair(name, "<img src=x>", CONV, 99, 1),)),
        decide=[({STRIDE: Edit(3.0, None)}, HOSTILE, HOSTILE)],
    )
    found = Parsed(text)

    assert [tag for tag, _ in found.tags].count("script") == 1
    assert not {"img", "iframe", "object", "link", "form"} & {tag for tag, _ in found.tags}
    assert not [name for _, attrs in found.tags for name in attrs if name.startswith("on")]
    assert {attrs["href"].partition("/")[0] for tag, attrs in found.tags if tag == "a" and "/" in attrs["href"]} == {
        "feedback"
    }
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", text)
    assert not [line for line in text.splitlines() if line.lstrip().startswith(("::", "##["))]


def test_the_policy_of_the_page_allows_its_own_script_alone(page):
    import base64
    import hashlib

    text = page()
    script = text.rpartition("<script>")[2].partition("</script>")[0]
    policy = next(attrs["content"] for tag, attrs in Parsed(text).tags if "http-equiv" in attrs)

    assert policy == (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-"
        + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        + "'"
    )


def test_grades_and_report_are_written_beside_the_results(tmp_path):
    out = a_class(tmp_path / "out", *CLASS)
    with Store.in_folder(out) as store:
        publish(out, store, course.load())

    assert (out / "grades.csv").read_text("utf-8").startswith(f"submission,status,score,max_score,{CONV},{PAD}\nada,")
    assert "Class report" in (out / "report.html").read_text("utf-8")
