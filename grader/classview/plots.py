"""Plots as SVG, drawn here: numbers in, markup out. No text of a learner's comes into any of them.

Sizes are CSS pixels at which a phone shows them without shrinking; colours are classes of report.css, for day and
night.
"""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup, escape

WIDTH, HEIGHT = 340, 170
LEFT, RIGHT, TOP, BOTTOM = 34, 20, 16, 34  # margins
TICKS = 4


def histogram(counts: Sequence[int], words: str) -> Markup:
    """Bars over 0 to 100 %, each with its number above where there is room."""
    most = max([*counts, 1])
    step = (WIDTH - LEFT - RIGHT) / max(1, len(counts))
    bottom = HEIGHT - BOTTOM
    parts = [_line(LEFT, bottom, WIDTH - RIGHT, bottom, "axis")]
    for value in _ticks(most):
        y = bottom - (bottom - TOP) * value / most
        parts += [_line(LEFT, y, WIDTH - RIGHT, y, "rule"), _text(LEFT - 6, y, str(value), "end")]
    for index, count in enumerate(counts):
        height = (bottom - TOP) * count / most
        low, high = (round(100 * (index + part) / len(counts)) for part in (0, 1))
        title = f"<title>{low} to {high} %: {count}</title>"
        parts.append(_rect(LEFT + index * step + 1, bottom - height, step - 2, height, "column", title))
    parts += [_text(LEFT + (WIDTH - LEFT - RIGHT) * part / TICKS, bottom + 13, f"{25 * part} %") for part in range(5)]
    parts.append(_text((WIDTH + LEFT - RIGHT) / 2, HEIGHT - 6, "of all points"))
    return _svg(WIDTH, HEIGHT, parts, words)


def stacked(parts: Sequence[tuple[str, int]], words: str, width: int = 160, height: int = 12) -> Markup:
    """One bar of several shares: (class of report.css, count). `words` are seen where somebody points at it."""
    total = sum(count for _, count in parts)
    drawn, x = [], 0.0
    for name, count in parts:
        if count:
            share = width * count / total
            drawn.append(_rect(x, 0, share, height, name))
            x += share
    told = f"<title>{escape(words)}</title>"
    return _svg(width, height, [told, *(drawn or [_rect(0, 0, width, height, "todo")])], words)


def scatter(points: Sequence[tuple[float, float, bool, str]], words: str) -> Markup:
    """Checks by difficulty (0 to 1) and discrimination (-1 to 1): (x, y, flagged, what it is)."""
    width, height = WIDTH, 230
    bottom, right = height - BOTTOM, width - RIGHT
    parts = []
    for value in (-1.0, -0.5, 0.0, 0.5, 1.0):
        y = _scaled(value, -1.0, 1.0, bottom, TOP)
        parts += [
            _line(LEFT, y, right, y, "axis" if value == 0 else "rule"),
            _text(LEFT - 6, y, f"{value:g}".replace("-", "−"), "end"),
        ]
    parts += [_text(_scaled(part / TICKS, 0, 1, LEFT, right), bottom + 13, f"{25 * part} %") for part in range(5)]
    parts.append(_text((LEFT + right) / 2, height - 6, "share that passed"))
    for x, y, flagged, name in points:
        cx, cy = _scaled(x, 0.0, 1.0, LEFT, right), _scaled(y, -1.0, 1.0, bottom, TOP)
        kind = "dot odd" if flagged else "dot"
        parts.append(f'<circle class="{kind}" cx="{cx:.1f}" cy="{cy:.1f}" r="4"><title>{escape(name)}</title></circle>')
    return _svg(width, height, parts, words)


def _scaled(value: float, low: float, high: float, start: float, end: float) -> float:
    return start + (end - start) * (value - low) / (high - low)


def _ticks(most: int) -> list[int]:
    """At most five whole numbers up to `most`, of a round step."""
    step = next(10**power * base for power in range(12) for base in (1, 2, 5) if most / (10**power * base) <= TICKS)
    return list(range(step, most + 1, step))


def _svg(width: float, height: float, parts: Sequence[str], words: str) -> Markup:
    """`words` are for those who do not see it."""
    head = f'<svg role="img" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
    return Markup(f'{head}aria-label="{escape(words)}">{"".join(parts)}</svg>')


def _rect(x: float, y: float, width: float, height: float, kind: str, inside: str = "") -> str:
    size = f'x="{x:.1f}" y="{y:.1f}" width="{max(0.0, width):.1f}" height="{max(0.0, height):.1f}"'
    return f'<rect class="{kind}" {size}>{inside}</rect>'


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _text(x: float, y: float, text: str, anchor: str = "middle") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" style="text-anchor: {anchor}">{escape(text)}</text>'
