"""The depth problem: what is shown of it is what the references give, wherever it is shown."""

from __future__ import annotations

import io
import json

import pytest
import torch
from kit import ROOT
from rich.cells import cell_len
from rich.console import Console

from grader.author import depth
from grader.desk import experiment
from grader.desk.experiment import BLOCKS, Curve, Experiment, Panel, of_exercise, shown, sparks

KEPT = of_exercise(depth.EXERCISE)
assert KEPT is not None
ROUNDED = 0.02  # of a number of three digits, and another processor's last digits


@pytest.fixture(scope="module")
def measured() -> Experiment:
    torch.set_num_threads(1)
    return depth.measure()


def test_the_figures_are_those_that_the_references_give_today(measured):
    assert (measured.title, measured.about, measured.means) == (KEPT.title, KEPT.about, KEPT.means)
    for now, then in zip(measured.panels, KEPT.panels, strict=True):
        assert now.title == then.title
        assert [curve.name for curve in now.curves] == [curve.name for curve in then.curves]
        for one, other in zip(now.curves, then.curves, strict=True):
            assert one.values == pytest.approx(other.values, rel=ROUNDED)


def test_the_nets_are_as_deep_as_is_said():
    for layers, blocks in depth.BLOCKS.items():
        made = depth.net(depth.reference(depth.EXERCISE).BasicBlock, blocks)
        weights = [module for module in made.modules() if isinstance(module, torch.nn.Conv2d | torch.nn.Linear)]
        assert len(weights) == layers
    for panel in KEPT.panels:
        for curve in panel.curves:
            layers = int(curve.name.split()[1])
            assert len(curve.values) == layers - 1  # all but the dense one


def test_depth_spoils_the_gradients_of_plain_nets_and_not_of_residual_ones():
    """What the picture and its sentence say."""
    normalized, bare = ({curve.name: curve.values for curve in panel.curves} for panel in KEPT.panels)

    assert max(normalized["plain, 56 layers"]) / min(normalized["plain, 56 layers"]) > 1e3
    assert max(normalized["residual, 56 layers"]) / min(normalized["residual, 56 layers"]) < 30
    assert max(bare["plain, 56 layers"]) < 1e-20
    assert min(bare["residual, 56 layers"]) > 1e-2


def test_the_picture_is_drawn_from_the_figures_that_are_kept():
    for file, text in depth.files(KEPT).items():
        assert file.read_text("utf-8") == text, f"{file.name}: run python -m grader.author.depth"


def test_the_page_about_it_has_the_numbers_of_the_figures():
    page = (ROOT / "docs" / "depth.md").read_text("utf-8")
    for panel in KEPT.panels:
        for curve in panel.curves:
            row = f"| {curve.name} | {panel.title} | {curve.values[0]:.2g} | {curve.values[-1]:.2g} |"
            assert row in page


@pytest.mark.parametrize("width", [40, 80])
def test_it_fits_a_terminal(width):
    out = io.StringIO()
    console = Console(file=out, width=width)
    for part in shown(KEPT):
        console.print(part)

    lines = out.getvalue().splitlines()
    assert max(map(cell_len, lines)) <= width
    assert KEPT.title in lines[0]


def test_heights_grow_with_the_logarithm_over_one_scale():
    assert sparks([1, 10, 100], 1, 100) == BLOCKS[0] + BLOCKS[4] + BLOCKS[-1]
    assert sparks([7, 7], 7, 7) == BLOCKS[0] * 2
    assert len(sparks([1.0] * 200, 1, 1)) == experiment.WIDTH


def test_an_exercise_without_one_shows_none(tmp_path, monkeypatch):
    assert of_exercise("ex01_motivation") is None
    monkeypatch.setattr(experiment, "FOLDER", tmp_path)
    made = Experiment("t", "a", (Panel("p", (Curve("c", (1.0, 2.0)),)),), "m")
    (tmp_path / "ex99.json").write_text(depth.data(made))
    assert of_exercise("ex99") == made
    assert json.loads(depth.data(made))["panels"][0]["curves"][0]["values"] == [1.0, 2.0]
