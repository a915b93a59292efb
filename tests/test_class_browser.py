"""The page about a class in a real browser, headless: sorted, filtered, read without script, on a phone.

It needs Chromium or Chrome: see browser_kit.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from browser_kit import CONTRAST, LEGIBLE, OPEN, PHONE, TEXTS, started
from marks_kit import CONV, STRIDE, a_class, row
from playwright.sync_api import Browser, Page
from report_samples import HOSTILE

from grader import course
from grader.classview import report_page
from grader.classview.alike import Likeness, Pair
from grader.marks import Edit, regrade
from grader.store import Store

PLAIN = HOSTILE.replace("\ud800", "").replace("\x00", "")
CLASS = (
    row("ada", "+++", "+", seconds=1.0),
    row("Bob", "+-+", "-", diagnosis="You forgot the stride.", seconds=12.0),
    row("carla10", "+.-", None, diagnosis=HOSTILE, seconds=2.0),
    row("carla9", "xtd", "r", seconds=1.5),
    row("fay", "!++", "+", message="KeyError", seconds=0.5),
    row("gus", None, None, status="unreadable", message="this is no zip", file="gus 1234", seconds=0.0),
    row(PLAIN, "+--", "-", message="x", file='"><script>alert(3)</script>'),
    *(row(f"s{index}", ("+++", "++-", "+--", "---")[index % 4], "+-"[index % 2]) for index in range(20)),
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with started() as found:
        yield found


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    out = a_class(tmp_path_factory.mktemp("class") / "out", *CLASS)
    likeness = Likeness((Pair("ada", PLAIN, CONV, 97, 61),), (CONV,), (CONV,))
    with Store.in_folder(out) as store:
        regrade.decide(store, {STRIDE: Edit(3.0, 2.0)}, HOSTILE, HOSTILE)
        page = report_page(store, course.load(), likeness)
    (out / "report.html").write_text(page, "utf-8")
    return Path(out / "report.html").as_uri()


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """A window with scripts."""
    context = browser.new_context()
    made = context.new_page()
    made.goto(address)
    yield made
    context.close()


@pytest.fixture(scope="module")
def window(browser: Browser, address: str) -> Page:
    """One as wide as a phone, without scripts, everything unfolded."""
    made = browser.new_context(viewport=PHONE, java_script_enabled=False).new_page()
    made.goto(address)
    made.evaluate(OPEN)
    return made


def names(page: Page) -> list[str]:
    return page.locator("#submissions tbody tr:visible th").all_inner_texts()


def column(page: Page, number: int) -> list[str]:
    return page.locator(f"#submissions tbody tr:visible > :nth-child({number})").all_inner_texts()


def sort(page: Page, head: str) -> None:
    page.get_by_role("button", name=head, exact=True).click()


def test_it_asks_for_nothing_and_nothing_of_a_learner_runs(browser: Browser, address: str) -> None:
    page = browser.new_context().new_page()
    said: list[str] = []
    page.on("request", lambda request: said.append(request.url))
    page.on("dialog", lambda dialog: said.append(dialog.message))
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(address)

    assert said == [address]
    assert page.locator("#shown").inner_text() == f"{len(CLASS)} of {len(CLASS)} shown"


def test_a_click_sorts_by_number_and_another_one_turns_it_round(page: Page) -> None:
    sort(page, "score")
    up = column(page, 3)
    sort(page, "score")
    down = column(page, 3)

    points = [float(text) for text in up if text]
    assert points == sorted(points)
    assert len(points) == len(CLASS) - 1
    assert up[-1] == down[-1] == ""  # who has no grade comes last, either way
    assert [float(text) for text in down if text] == points[::-1]
    assert page.locator("[aria-sort]").get_attribute("aria-sort") == "descending"


def test_names_are_sorted_as_people_sort_them(page: Page) -> None:
    sort(page, "submission")
    found = [name for name in names(page) if name in {"ada", "Bob", "carla9", "carla10", "fay"}]

    assert found == ["ada", "Bob", "carla9", "carla10", "fay"]


def test_the_keyboard_sorts_too(page: Page) -> None:
    page.get_by_role("button", name="seconds", exact=True).focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")

    assert names(page)[0] == "Bob"


def test_a_part_of_a_name_filters(page: Page) -> None:
    page.get_by_label("Filter").fill("CARLA")

    assert sorted(names(page)) == ["carla10", "carla9"]
    assert page.locator("#shown").inner_text() == f"2 of {len(CLASS)} shown"

    page.get_by_label("Filter").fill("")

    assert len(names(page)) == len(CLASS)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("slow, crashed or forbidden", ["Bob", "carla9"]),
        ("unreadable", ["gus"]),
        ("our fault", ["fay"]),
        ("full points", ["ada", "s0", "s12", "s16", "s4", "s8"]),
    ],
)
def test_a_kind_filters(page: Page, kind: str, expected: list[str]) -> None:
    page.get_by_label("Show").select_option(label=kind)

    assert sorted(names(page)) == expected


def test_filters_go_together_and_outlive_sorting(page: Page) -> None:
    page.get_by_label("Show").select_option(label="full points")
    page.get_by_label("Filter").fill("s1")
    sort(page, "submission")
    sort(page, "submission")

    assert names(page) == ["s16", "s12"]


def test_a_name_leads_to_its_feedback(page: Page) -> None:
    links = page.locator("#submissions a").evaluate_all("links => links.map(link => link.href)")
    base = page.url.rpartition("/")[0]

    assert f"{base}/feedback/ada.html" in links
    assert f"{base}/feedback/gus%201234.html" in links
    assert all(link.startswith(f"{base}/feedback/") for link in links)


def test_without_script_the_page_reads_and_offers_no_tools(window: Page) -> None:
    text = " ".join(window.inner_text("body").split())

    for words in ("1 of 26 ex04_conv::conv2d · You forgot the stride.", "this is no zip", "submissions 27 graded 25"):
        assert words in text
    assert not window.locator("#tools").is_visible()
    assert window.locator("#submissions tbody tr").count() == len(CLASS)


def test_every_text_is_legible_on_a_phone_by_day_and_by_night(window: Page) -> None:
    for scheme in ("light", "dark"):
        window.emulate_media(color_scheme=scheme)
        texts = window.evaluate(TEXTS)

        assert len(texts) > 100
        assert [text for text, size, _ in texts if size < LEGIBLE] == []
        assert [(text, contrast) for text, _, contrast in texts if contrast < CONTRAST] == []


def test_it_is_no_wider_than_a_phone(window: Page) -> None:
    assert window.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_every_plot_has_words_for_those_who_do_not_see_it(window: Page) -> None:
    said = window.get_by_role("img").evaluate_all("pictures => pictures.map(picture => picture.ariaLabel)")

    assert len(said) == window.locator("svg").count() > 5
    assert all(said)


def test_day_and_night_differ(window: Page) -> None:
    grounds = set()
    for scheme in ("light", "dark"):
        window.emulate_media(color_scheme=scheme)
        grounds.add(window.evaluate("getComputedStyle(document.body).backgroundColor"))

    assert len(grounds) == 2
