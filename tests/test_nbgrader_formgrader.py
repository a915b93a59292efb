"""The pages on which a teacher looks at grades, from a running server, in a real browser without a window.

It needs Chromium or Chrome, as tests/test_page_browser.py does, which also says where it is looked for.
"""

from __future__ import annotations

import contextlib
import re
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from nbgrader_department import EVERYTHING, NAME, ONE, ZEROS, build
from nbgrader_kit import BIN, Place, shared
from playwright.sync_api import Browser, Page
from test_page_browser import browser  # noqa: F401  (a fixture)

TOKEN = "only-for-this-test"
EXTENSION = '{"nbgrader.server_extensions.formgrader": True}'


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory, worker_id: str, cache: Path) -> Place:
    return shared(tmp_path_factory, worker_id, "department", build)


@pytest.fixture(scope="module")
def address(place: Place) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["--allow-root", "--no-browser", f"--port={port}", "--ip=127.0.0.1", f"--ServerApp.token={TOKEN}"]
    log = open(place.home / "server.log", "wb")  # noqa: SIM115  (the server's own until it ends)
    server = subprocess.Popen(
        [str(BIN / "jupyter-server"), *options, f"--ServerApp.jpserver_extensions={EXTENSION}"],
        cwd=place.root,
        env=place.environment,
        stdout=log,
        stderr=log,
    )
    try:
        where = f"http://127.0.0.1:{port}"
        _wait_for(where, server)
        yield f"{where}/formgrader"
    finally:
        server.terminate()
        server.wait(30)
        log.close()


def _wait_for(where: str, server: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end and server.poll() is None:
        with contextlib.suppress(urllib.error.URLError, ConnectionError), urllib.request.urlopen(f"{where}/api"):
            return
        time.sleep(0.2)
    pytest.fail("the server did not start; its folder has a server.log")


@pytest.fixture(scope="module")
def page(address: str, browser: Browser) -> Iterator[Page]:  # noqa: F811
    context = browser.new_context(extra_http_headers={"Authorization": f"token {TOKEN}"})
    yield context.new_page()
    context.close()


def test_the_table_of_submissions_has_the_right_points(place: Place, address: str, page: Page) -> None:
    page.goto(f"{address}/manage_submissions/{NAME}")
    page.wait_for_selector("td.score:has-text('/')")
    rows = page.locator("table tbody tr").evaluate_all("rows => rows.map(r => [...r.cells].map(c => c.innerText))")
    shown = {row[1].strip(): row[4].strip() for row in rows}
    expected = {
        who: f"{sum(score or 0.0 for score, _ in cells.values()):g} / {EVERYTHING:g}"
        for who, cells in place.grades(NAME).items()
    }

    assert shown == expected
    assert shown[ONE] == "21 / 21"


@pytest.mark.parametrize("who", [ONE, "rotated", "exits", "no-answer", "markup"])
def test_the_page_of_a_submission_shows_score_and_feedback(place: Place, address: str, page: Page, who: str) -> None:
    """Nobody has given another grade, so the score of the autograding stands in the field as a proposal."""
    said: list[str] = []
    page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
    page.goto(f"{address}/submissions/{place.submitted(NAME)[who]}/")
    page.wait_for_function("[...document.querySelectorAll('input.score')].every(field => field.placeholder)")
    fields = page.locator("input.score").evaluate_all("found => found.map(f => [f.id, f.placeholder, f.value])")
    frames = [frame for frame in page.frames if frame.url == "about:srcdoc"]

    assert {name: (float(score), False) for name, score, _ in fields} == place.grades(NAME)[who]
    assert [value for _, _, value in fields] == [""] * len(ZEROS)
    assert len(frames) == len(ZEROS)
    assert said == []  # one of them tries to say something


def test_the_button_autogrades_with_our_steps(place: Place, address: str, page: Page) -> None:
    before, file = place.grades(NAME), place.root / "autograded" / "rotated" / NAME / f"{NAME}.ipynb"
    then = file.stat().st_mtime_ns
    page.goto(f"{address}/manage_submissions/{NAME}")
    row = page.locator("table tbody tr", has=page.locator("td", has_text=re.compile("^rotated$")))
    row.locator("td.autograde a").click()
    page.wait_for_selector(".modal.in .modal-body:has-text('Successfully autograded')", timeout=120_000)

    assert place.grades(NAME) == before
    assert file.stat().st_mtime_ns > then


def test_feedback_in_its_frame_is_drawn_and_powerless(place: Place, page: Page) -> None:
    page.goto((place.root / "feedback" / "rotated" / NAME / f"{NAME}.html").as_uri(), wait_until="domcontentloaded")
    frame = page.frame_locator("iframe").first

    assert re.search("rotated the kernel", frame.locator("body").inner_text())
    assert frame.locator("svg[role=img]").count() > 2
    assert frame.locator("script").count() == 0
