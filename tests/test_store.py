"""A class's store: what is put in comes out, in SQLite and on a real PostgreSQL."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from grader.store import Change, Row, Store, StoreError

NOON = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
ROW = Row("ada", "ada", "k" * 64, "s" * 64, "graded", 7.5, 25.0, '{"a": "ä\\u0000"}', "", 0.25, NOON)


def program(name: str) -> str | None:
    """Debian keeps PostgreSQL's programs beside the path."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", os.defpath), *map(str, folders)]))


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A PostgreSQL of our own. It refuses to run as root, so that there another user starts it."""
    initdb, postgres = program("initdb"), program("postgres")
    if initdb is None or postgres is None:
        pytest.skip("there is no PostgreSQL on this machine (package postgresql)")
    folder = tmp_path_factory.mktemp("postgres")
    user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.getuid() == 0 else []
    if user:
        for path in [folder, *folder.parents]:
            if path.is_relative_to(tmp_path_factory.getbasetemp().parent.parent):
                path.chmod(0o755)
        shutil.chown(folder, 65534, 65534)
    environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": str(folder)}
    options = {"cwd": folder, "env": environment, "stdin": subprocess.DEVNULL}
    made = subprocess.run(
        [*user, initdb, "-D", str(folder / "data"), "-U", "grade", "--auth=trust", "-E", "UTF8", "--no-sync"],
        capture_output=True, text=True, check=False, **options,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    log = (folder / "log").open("w")
    running = subprocess.Popen(
        [*user, postgres, "-D", str(folder / "data"), "-p", str(port), "-h", "127.0.0.1", "-k", ""],
        stdout=log, stderr=subprocess.STDOUT, **options,
    )  # fmt: skip
    try:
        for _ in range(300):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.1)
        yield f"postgresql://grade@127.0.0.1:{port}/postgres"
    finally:
        running.terminate()
        running.wait(20)
        log.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request, tmp_path):
    if request.param == "sqlite":
        with Store.in_folder(tmp_path) as made:
            yield made
        return
    url = request.getfixturevalue("server")
    for _ in range(100):  # it accepts connections before it answers
        try:
            made = Store(url)
            break
        except StoreError as error:
            if "starting up" not in str(error):
                raise
            time.sleep(0.1)
    yield made
    made.forget([row.name for row in made.rows()])
    made.close()


def test_what_is_put_in_comes_out(store):
    odd = replace(ROW, name="Zoë; =1+1 \U0001f600", score=None, status="fault", message="it fell\nover")
    store.put(odd)
    store.put(ROW)

    assert list(store.rows()) == sorted([ROW, odd], key=lambda row: row.name)
    assert store.keys()["ada"] == (ROW.key, "graded", "ada")


def test_a_row_takes_the_place_of_the_one_before(store):
    store.put(ROW)
    store.put(replace(ROW, score=25.0))

    assert [row.score for row in store.rows()] == [25.0]


def test_what_is_forgotten_is_gone(store):
    store.put(ROW)
    store.forget(["ada", "nobody"])

    assert list(store.rows()) == []


def test_notes_and_changes_are_kept_in_order(store):
    store.note("course", "first")
    store.note("course", "second")
    before = len(store.changes())
    store.record_change(Change(NOON, "me", "a typo", '{"drop": "x"}'))
    store.record_change(Change(NOON, "you", "another", "{}"))

    assert store.noted("course") == "second"
    assert store.noted("nothing") is None
    assert [change.who for change in store.changes()[before:]] == ["me", "you"]


def test_rows_come_in_the_order_of_code_points_whatever_the_server(store):
    names = ["b", "A", "ä", "Z", "a", "_"]
    for name in names:
        store.put(replace(ROW, name=name))

    assert [row.name for row in store.rows()] == sorted(names)


def test_a_file_that_is_no_database_is_said(tmp_path):
    (tmp_path / "grades.db").write_text("no database at all, and longer than a header would be " * 40)

    with pytest.raises(StoreError, match="cannot be opened"):
        Store.in_folder(tmp_path)


def test_a_database_of_another_version_is_said(tmp_path):
    with Store.in_folder(tmp_path) as made:
        made.note("schema", "99")

    with pytest.raises(StoreError, match="another version of grade"):
        Store.in_folder(tmp_path)


@pytest.mark.parametrize("url", ["nonsense", "mysterious://x", "postgresql://me:secret@127.0.0.1:1/x"])
def test_a_url_that_leads_nowhere_is_said_without_its_password(url):
    with pytest.raises(StoreError) as caught:
        Store(url)

    assert "secret" not in str(caught.value)


def test_a_row_is_on_the_disk_when_put_returns(tmp_path):
    """Another process sees it at once, and a process that is killed right after has kept it."""
    script = (
        "import os, sys; from grader.store import Row, Store; from datetime import UTC, datetime\n"
        f"s = Store.in_folder(__import__('pathlib').Path({str(tmp_path)!r}))\n"
        "s.put(Row('a', 'a', 'k', 's', 'graded', 1.0, 1.0, '', '', 0.0, datetime.now(UTC)))\n"
        "os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], check=False)

    assert done.returncode == -9
    with contextlib.closing(sqlite3.connect(tmp_path / "grades.db")) as connection:
        assert connection.execute("select name, score from results").fetchall() == [("a", 1.0)]
