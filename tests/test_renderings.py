"""tests/escapes/renderings.py finds nothing in our own samples, and finds what it is there to find."""

from __future__ import annotations

from types import ModuleType

import pytest
from escapes import renderings
from report_samples import ROTATED as EXAMPLE
from report_samples import SAMPLES, report, task, wrong

from grader.report import html, junit, record, terminal

REPORT = report(task(wrong(EXAMPLE, "Not this.")))


@pytest.mark.parametrize("name", SAMPLES)
def test_every_sample_is_text_and_a_page_of_our_own_making(name: str) -> None:
    assert renderings.problems(SAMPLES[name]) == []


@pytest.mark.parametrize(
    ("module", "old", "new", "found"),
    [
        (html, "<main>", "<main><script>a</script>", "an element that is not ours: script"),
        (html, "<main>", '<main onclick="a">', "an attribute that is not ours: onclick"),
        (html, 'href="#', 'href="http://a.example#', "an attribute that is not ours: href"),
        (html, "<main>", "<main><!-- a -->", "a comment"),
        (html, "</main>", "", "an end of body that nobody began"),
        (html, "Not this.", "Not\u202ethis.", "a character that acts"),
        (junit, "<testsuite ", "<!DOCTYPE a><testsuite ", "a declaration"),
        (junit, "</testsuite>", '<testcase name="a"/></testsuite>', "1 failures of 2, not 1 of 1"),
        (junit, "<testsuite ", '<testsuite evil="a" ', "attributes that are not ours"),
        (record, '"score": 0.0', '"score": 2.0', "what is read is not what was written"),
        (record, "Not this.", "\x1b[2J", "a character that acts"),
        (record, '"schema"', '\n ::error::a\n"schema"', "a line that a CI system runs"),
        (record, "Not this.", "a ##[error]b", "a line that a CI system runs"),
    ],
)
def test_what_is_not_text_is_found(
    module: ModuleType, old: str, new: str, found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = module.render(REPORT)
    assert old in text
    monkeypatch.setattr(module, "render", lambda report: text.replace(old, new, 1))
    assert found in "\n".join(renderings.problems(REPORT))


def test_what_acts_on_a_terminal_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "render", lambda report, console: console.file.write("a\n\u3000::error::b\x07\n"))
    assert len(renderings.problems(REPORT)) == 2 * (len(renderings.WIDTHS) + 1)


def test_what_may_be_nowhere_is_found_where_it_is() -> None:
    assert renderings.problems(REPORT, ("Not this.",))[0] == "html: 'Not this.' is in it"
