"""grader/report/html.py: one page, no script, no request, whatever a learner wrote into it."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report_samples import HOSTILE, ROTATED, SAMPLES, report, task, wrong

from grader.model import Report
from grader.report import html

VOID = {"meta", "br", "rect"}
# fmt: off
ALLOWED = {
    "html", "head", "meta", "title", "style", "body", "header", "main", "footer", "section", "article",
    "figure", "figcaption", "div", "span", "p", "b", "br", "h1", "h2", "h3", "h4", "table", "tbody", "tr",
    "th", "td", "a", "ul", "li", "details", "summary", "pre", "code", "mark", "svg", "rect", "text",
}
# fmt: on


class Page(HTMLParser):
    """Reads a page as a browser would: its tags, attributes and text; complains where tags do not match."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(source)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def attributes(self, name: str) -> list[str | None]:
        return [attributes[name] for _, attributes in self.tags if name in attributes]


def page(made: Report) -> Page:
    return Page(html.render(made))


@pytest.mark.parametrize("name", SAMPLES)
def test_a_page_has_only_harmless_tags_and_attributes(name: str) -> None:
    read = page(SAMPLES[name])
    assert {tag for tag, _ in read.tags} <= ALLOWED
    assert not {key for _, attributes in read.tags for key in attributes if key.startswith("on")}
    assert all(target and target.startswith("#") for target in read.attributes("href"))
    assert read.attributes("src") == []


@pytest.mark.parametrize("name", SAMPLES)
def test_a_page_asks_the_network_for_nothing(name: str) -> None:
    source = html.render(SAMPLES[name])
    assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in source
    assert not re.search(r"@import|url\(|<link|<iframe|<script", source)


def test_hostile_text_is_shown_as_text() -> None:
    read = page(SAMPLES["hostile"])
    assert "<script>alert(1)</script>" in read.text
    assert "{{ 7 * 7 }}" in read.text
    assert "\x1b" not in read.text
    assert "\u202e" not in read.text


def test_a_page_can_be_written_as_utf8() -> None:
    assert html.render(SAMPLES["hostile"]).encode("utf-8")


def test_no_line_begins_like_a_command_to_a_ci_log() -> None:
    lines = [line.strip() for line in html.render(SAMPLES["hostile"]).split("\n")]
    assert [line for line in lines if line.startswith("::") or "##[" in line] == []


@settings(deadline=None, max_examples=40)
@given(st.text())
def test_any_text_leaves_the_page_whole(text: str) -> None:
    example = replace(ROTATED, call=text, where=text, snippet=text, inputs=((text, text),), got=text)
    made = report(task(wrong(example, text, title=text, printed=text), diagnosis=text), notes=(text,))
    assert {tag for tag, _ in page(replace(made, submission=text)).tags} <= ALLOWED


def test_every_picture_says_what_it_shows() -> None:
    read = page(SAMPLES["course"])
    labels = [attributes.get("aria-label") for tag, attributes in read.tags if tag == "svg"]
    assert labels.count("got plane [0, 0]: 3, 2, -5; -12, -1, -10. 5 of these differ.") == 1
    assert all(labels)


def test_a_small_picture_prints_its_values() -> None:
    source = html.render(SAMPLES["wrong"])
    assert " ".join(re.findall(r">(-?\d+)</text>", source)[:12]) == "1 2 3 0 4 5 6 1 7 8 9 2"


def test_wrong_squares_are_outlined_in_expected_and_got() -> None:
    read = page(SAMPLES["wrong"])
    assert read.attributes("class").count("ring") == 2 * 5


def test_expected_and_got_have_one_scale() -> None:
    source = html.render(SAMPLES["wrong"])
    assert source.count('<span>-13</span><span class="ramp"></span><span>3</span>') == 2


def test_anchors_of_the_overview_lead_somewhere() -> None:
    read = page(SAMPLES["course"])
    targets = [str(target)[1:] for target in read.attributes("href")]
    assert targets == ["ex04_conv-conv2d", "ex04_conv-conv3d"]
    assert set(targets) <= set(read.attributes("id"))


def test_our_fault_shows_no_score() -> None:
    read = page(SAMPLES["fault"])
    assert "No grade was given" in read.text
    assert "of 6 points" not in read.text


def test_large_tensors_are_bounded() -> None:
    assert len(html.render(SAMPLES["large"])) < 200_000


def test_a_learner_named_like_a_template_is_not_run() -> None:
    assert "49" not in page(replace(SAMPLES["passed"], submission=HOSTILE)).text
