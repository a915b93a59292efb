"""Every hostile submission of tests/escapes, in the box and without one; and a class half of which is hostile."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from escapes import table, throwaway
from escapes.attack import attacks

ENOUGH = 60
EVERY = 6  # of the attacks every sixth runs here; all of them by `python -m tests.escapes --both`


@pytest.fixture(scope="module", autouse=True)
def a_machine_that_can():
    if sys.platform != "linux":
        pytest.skip("throw-away namespaces are Linux's")
    try:
        throwaway._around(fallback=True)
    except throwaway.CannotBeMade as error:
        if "needs the programs" in str(error):
            pytest.fail(str(error))  # a program that is missing is no reason to skip
        pytest.skip(str(error))


def depends_on_walls(family: str) -> bool:
    """Whether the walls are what stops it: others are turned away before, by the guard, or in the report."""
    return not family.startswith(("archives", "folders", "notebooks", "injection", "forbidden"))


@pytest.mark.parametrize("fallback", [False, True], ids=["box", "fallback"])
def test_no_attack_earns_takes_or_harms_anything(fallback):
    families = sorted({attack.family for attack in attacks() if depends_on_walls(attack.family)}) if fallback else []
    rows = table.run(families, fallback=fallback, every=EVERY)
    problems = [f"{row.family}/{row.name}: {problem}" for row in rows for problem in row.problems]

    assert len(rows) >= ENOUGH // EVERY
    assert not problems, "\n" + "\n".join(problems)


def test_a_batch_half_of_which_is_hostile_grades_the_other_half_as_alone():
    assert table.run_batch() == []


def test_there_are_many_of_many_kinds_and_each_is_said_in_a_sentence():
    found = attacks()

    assert len(found) >= ENOUGH
    assert len({attack.family for attack in found}) >= 10
    assert all(attack.sentence and attack.sentence[0].islower() for attack in found)
    assert len({attack.sentence for attack in found}) == len(found)


def test_nothing_runs_outside_a_throw_away_namespace():
    done = subprocess.run(
        [sys.executable, "-m", "tests.escapes.inside"],
        cwd=Path(__file__).parent.parent,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "throw-away namespace alone" in done.stderr
    assert done.stdout == ""


def test_every_sign_of_a_real_machine_is_seen(monkeypatch):
    monkeypatch.setenv(throwaway._OUTSIDE, throwaway._namespaces())
    signs = " · ".join(throwaway._signs_of_a_real_machine())

    for kind in ("user", "pid", "mnt", "net"):
        assert f"{kind}:" in signs
    assert "not read-only" in signs
    assert "a name of its own" in signs
    with pytest.raises(SystemExit):
        throwaway.refuse_outside()


def test_the_page_has_a_line_for_each_and_shows_where_the_two_differ():
    one = table.Row("a", "reading", "tries | it", ("wrong",), 0.0, "GOT <b>", (), 0.1)
    text = table.table([one], [table.Row("a", "reading", "tries | it", ("died",), 0.0, "REFUSED", (), 0.1)])

    assert "| a | tries &#124; it | wrong<br>*without:* died | 0 | GOT &#60;b&#62;<br>" in text
    assert "*without user namespaces:* REFUSED" in text
