"""The feedback page in a real browser, headless: read without script, asking for nothing, light and dark, on a phone.

It needs Chromium or Chrome: see browser_kit.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from browser_kit import CONTRAST, LEGIBLE, OPEN, PHONE, TEXTS, started
from playwright.sync_api import Browser, Page

GOLDEN = Path(__file__).parent / "golden"
PAGES = [
    "graded/boxes",
    "graded/masks",
    "graded/nan",
    "graded/stride",
    "report/course",
    "report/large",
    "report/hostile",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with started() as found:
        yield found


@pytest.fixture(scope="module")
def window(browser: Browser) -> Page:
    """One window as wide as a phone, without scripts."""
    return browser.new_context(viewport=PHONE, java_script_enabled=False).new_page()


def shown(page: Page, name: str, scheme: str = "light") -> Page:
    """A golden page in that window, everything that can be unfolded unfolded."""
    page.emulate_media(color_scheme=scheme)
    if page.url != (where := _address(name)):
        page.goto(where)
        page.evaluate(OPEN)
    return page


def _address(name: str) -> str:
    return (GOLDEN / (f"{name}/feedback.html" if name.startswith("graded/") else f"{name}.html")).as_uri()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_asks_for_nothing_and_runs_nothing(browser: Browser, name: str) -> None:
    page = browser.new_context().new_page()  # with scripts allowed: there are none
    said: list[str] = []
    page.on("request", lambda request: said.append(request.url))
    page.on("dialog", lambda dialog: said.append(dialog.message))
    page.on("console", lambda message: said.append(message.text))
    page.goto(_address(name))

    assert said == [_address(name)]
    assert page.locator("script").count() == 0


def test_a_page_reads_without_script(window: Page) -> None:
    text = shown(window, "graded/stride").inner_text("body")

    for words in (
        "shifted by one to the right",
        "An outline marks what the right answer at [0, 0, 0, 0] is made of",
        "first at [0, 0, 0, 0]: expected 1, got 3",
        "print(conv2d(x=x, weight=weight, stride=2))",
    ):
        assert words in text


@pytest.mark.parametrize("name", PAGES)
def test_every_text_is_legible_on_a_phone_by_day_and_by_night(window: Page, name: str) -> None:
    for scheme in ("light", "dark"):
        texts = shown(window, name, scheme).evaluate(TEXTS)

        assert len(texts) > 10
        assert [text for text, size, _ in texts if size < LEGIBLE] == []
        assert [(text, contrast) for text, _, contrast in texts if contrast < CONTRAST] == []


def test_day_and_night_differ(window: Page) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    by_day, by_night = [shown(window, "graded/nan", scheme).evaluate(ground) for scheme in ("light", "dark")]

    assert by_day != by_night


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_no_wider_than_a_phone(window: Page, name: str) -> None:
    assert shown(window, name).evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_points_are_seen_on_a_phone_beside_a_task_with_a_long_name(window: Page) -> None:
    page = shown(window, "report/course")
    page.evaluate("document.querySelector('.course th[scope=row]').textContent = 'conv_transpose_output_size'")
    fits = page.evaluate("(box => box.scrollWidth <= box.clientWidth)(document.querySelector('.course').parentElement)")
    page.goto("about:blank")

    assert fits


@pytest.mark.parametrize("name", PAGES)
def test_every_picture_has_a_text_for_those_who_do_not_see_it(window: Page, name: str) -> None:
    page = shown(window, name)
    names = page.get_by_role("img").evaluate_all("pictures => pictures.map(picture => picture.ariaLabel)")

    assert len(names) == page.locator("svg, img").count() > 0 or name == "report/hostile"
    assert all(names)


def test_the_measure_of_contrast_tells_grey_from_black(window: Page) -> None:
    window.set_content(
        "<body style='background: #fff'><p style='color: #000'>a<b style='color: #999'>b</b></p>"
        "<svg><rect width=40 height=40 fill='#000'/><text x=10 y=20 fill='#222'>c</text></svg>"
    )
    found = {text: round(contrast, 1) for text, _, contrast in window.evaluate(TEXTS)}

    assert found == {"ab": 21.0, "b": 2.8, "c": 1.3}
