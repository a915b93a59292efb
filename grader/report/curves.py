"""Training curves: the loss of a learner's model from step to step, as SVG for the page and as a line of blocks.

The figures are the worker's word (`Training`): numbers of any size, NaN among them. No text of a learner's is drawn.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from grader.model import TaskResult, Training

from .palette import OKABE_ITO

WIDTH, HEIGHT = 420, 180  # CSS pixels; a phone shows them shrunk
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 12, 34
HUGE = 1e30  # beyond, a loss is drawn at the edge: differences of floats must stay floats
BARS, ASCII_BARS = "▁▂▃▄▅▆▇█", "_.-=+*%#"
CELLS = 24
_COLOURS = (4, 5, 2)  # of the palette: told apart on light and on dark paper


@dataclass(frozen=True, slots=True)
class Curve:
    """One training: its words, the colour of its line, and the line's points (SVG), broken where there is no number."""

    said: str
    colour: str
    pieces: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """All trainings of a task on one scale. `marks`: (y, words) of the scale; `steps`: where its right edge is."""

    curves: tuple[Curve, ...]
    marks: tuple[tuple[float, str], ...]
    steps: int
    words: str


def trained(task: TaskResult) -> tuple[Training, ...]:
    """Every training of a task, whichever of its checks asked for it."""
    return tuple(training for check in task.checks for training in check.trainings)


def said(training: Training) -> str:
    """How it went, in words: "loss 1.1 to 0.03 in 640 steps, 12.3 of 120 s"."""
    limit = f" of {training.limit_s:g}" if math.isfinite(training.limit_s) else ""
    took = f"{training.duration_s:.1f}{limit} s"
    if training.memory_mb is not None:
        took += ", {:,} of {:,} MB".format(*training.memory_mb)
    if not training.losses:
        return f"no loss was backpropagated; {took}"
    first, last = (_short(training.losses[end]) for end in (0, -1))
    return f"loss {first} to {last} in {len(training.losses) * training.stride} steps, {took}"


def line(training: Training, *, plain: bool = False) -> str:
    """The curve as a row of blocks, "" where there is none; "!" where the loss is no number."""
    losses, bars = training.losses, ASCII_BARS if plain else BARS
    if not losses:
        return ""
    cells = min(CELLS, len(losses))
    chosen = [losses[(index * (len(losses) - 1)) // max(1, cells - 1)] for index in range(cells)]
    low, high = _range([training])
    return "".join(
        bars[round((len(bars) - 1) * (_tame(loss) - low) / (high - low))] if math.isfinite(loss) else "!"
        for loss in chosen
    )


def chart(trainings: Sequence[Training]) -> Chart | None:
    """None where no training has a curve."""
    drawn = [training for training in trainings if training.losses]
    if not drawn:
        return None
    low, high = _range(drawn)
    steps = max(len(training.losses) * training.stride for training in drawn)

    def y(value: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (high - value) / (high - low)

    curves = []
    for index, training in enumerate(drawn):
        pieces: list[list[str]] = [[]]
        for number, loss in enumerate(training.losses, 1):
            if math.isfinite(loss):
                x = LEFT + (WIDTH - LEFT - RIGHT) * number * training.stride / steps
                pieces[-1].append(f"{x:.1f},{y(_tame(loss)):.1f}")
            elif pieces[-1]:
                pieces.append([])
        red, green, blue = OKABE_ITO[_COLOURS[index % len(_COLOURS)]]
        joined = tuple(" ".join(piece) for piece in pieces if piece)
        curves.append(Curve(f"{training.call}: {said(training)}", f"#{red:02x}{green:02x}{blue:02x}", joined))
    marks = tuple((round(y(value), 1), _short(value)) for value in (low, (low + high) / 2, high))
    broken = any(not math.isfinite(loss) for training in drawn for loss in training.losses)
    words = "The loss from step to step" + (", broken off where it is no finite number" if broken else "")
    return Chart(tuple(curves), marks, steps, words)


def _range(trainings: Sequence[Training]) -> tuple[float, float]:
    """Lowest and highest, apart from each other even where all are one."""
    finite = [_tame(loss) for training in trainings for loss in training.losses if math.isfinite(loss)]
    low, high = (min(finite), max(finite)) if finite else (0.0, 1.0)
    low = min(low, 0.0) if low < high / 2 else low  # a curve that falls far is read from zero
    return (low, high) if high > low else (low - 0.5 - abs(low) / 2, high + 0.5 + abs(high) / 2)


def _tame(loss: float) -> float:
    return min(HUGE, max(-HUGE, loss))


def _short(loss: float) -> str:
    return f"{loss:.3g}"


def picture(drawn: Chart) -> Markup:
    """The chart as SVG."""
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    parts = [f'<line class="axis" x1="{LEFT}" y1="{bottom}" x2="{right}" y2="{bottom}"/>']
    for y, words in drawn.marks:
        parts.append(f'<line class="rule" x1="{LEFT}" y1="{y}" x2="{right}" y2="{y}"/>')
        parts.append(f'<text class="scale" x="{LEFT - 6}" y="{y}" style="text-anchor: end">{words}</text>')
    for curve in drawn.curves:
        parts += [
            f'<polyline class="curve" style="stroke: {curve.colour}" points="{piece}"/>' for piece in curve.pieces
        ]
    parts.append(f'<text class="scale" x="{LEFT}" y="{bottom + 14}">0</text>')
    parts.append(
        f'<text class="scale" x="{right}" y="{bottom + 14}" style="text-anchor: end">{drawn.steps} steps</text>'
    )
    head = f'<svg role="img" aria-label="{drawn.words}" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}">'
    return Markup(f"{head}{''.join(parts)}</svg>")  # numbers and words of ours alone
