"""An experiment that belongs to an exercise: figures that were measured once, drawn where the exercise is shown.

They lie in experiments/EXERCISE.json; who measured them is named there. Without torch: `grade show` answers at once.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

FOLDER = Path(__file__).parent / "experiments"
BLOCKS = "▁▂▃▄▅▆▇█"
WIDTH = 24  # columns of a curve


class Curve(msgspec.Struct, frozen=True):
    """`values`: more than 0, from left to right."""

    name: str
    values: tuple[float, ...]


class Panel(msgspec.Struct, frozen=True):
    """Curves over one scale."""

    title: str
    curves: tuple[Curve, ...]


class Experiment(msgspec.Struct, frozen=True):
    title: str
    about: str
    panels: tuple[Panel, ...]
    means: str  # what follows from it


def of_exercise(name: str) -> Experiment | None:
    file = FOLDER / f"{name}.json"
    return msgspec.json.decode(file.read_bytes(), type=Experiment) if file.is_file() else None


def shown(experiment: Experiment) -> Iterator[RenderableType]:
    """Title, curves as blocks over their numbers, and what they mean."""
    yield Text(experiment.title, "bold")
    yield Text(experiment.about)
    yield Text()
    for panel in experiment.panels:
        table = Table.grid(padding=(0, 2, 0, 0))
        table.title, table.title_justify, table.title_style = panel.title, "left", "italic"
        low, high = _range(panel)
        for curve in panel.curves:
            ends = f"{curve.values[0]:.1e} … {curve.values[-1]:.1e}"
            table.add_row(Text(f"  {curve.name}"), Text(sparks(curve.values, low, high), "cyan"), Text(ends, "dim"))
        yield table
        yield Text()
    yield Text(experiment.means)
    yield Text()


def _range(panel: Panel) -> tuple[float, float]:
    values = [value for curve in panel.curves for value in curve.values]
    return min(values), max(values)


def sparks(values: Sequence[float], low: float, high: float) -> str:
    """A curve as blocks of a height that grows with the logarithm, from `low` to `high`."""
    columns = min(WIDTH, len(values))
    places = [round(column * (len(values) - 1) / max(1, columns - 1)) for column in range(columns)]
    span = math.log(high / low) or 1.0
    steps = [round((len(BLOCKS) - 1) * math.log(values[place] / low) / span) for place in places]
    return "".join(BLOCKS[step] for step in steps)
