"""`python -m grader.author.depth`: measures the depth problem with the blocks of ex08, and writes the figures down.

Plain and residual nets of 20 and 56 layers, new and untrained, as in figure 1 of He et al. (Deep Residual Learning,
2015); one batch of noise; the norm of the gradient that arrives at every convolution. In train mode every block
normalizes its batch. In eval mode batch normalization of a new net hands on what it gets: a net without it.

What comes of it: grader/desk/experiments/ex08_resnet.json, which `grade show` draws, and a picture on the course page.
"""

from __future__ import annotations

import json
import math
import re
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import torch
from torch import nn

from grader.course import root
from grader.desk.experiment import FOLDER, Curve, Experiment, Panel
from grader.references import reference
from grader.workspace import write_text

EXERCISE = "ex08_resnet"
WIDTH, IMAGES, SIDE, CLASSES = 16, 16, 16, 10
BLOCKS = {20: 9, 56: 27}  # layers -> blocks of two convolutions, between the first convolution and the dense layer
DIGITS = 3
_NUMBERS = re.compile(r"\[[^\[\]{}\"]*\]")
TITLE = "The depth problem, measured"
ABOUT = (
    "The blocks of this exercise, as new nets that have learned nothing yet: how large is the gradient that arrives at "
    "every convolution? Left the first one, right the last; the height is logarithmic."
)
NORMALIZED, BARE = "with batch normalization (train mode)", "without it (a new net in eval mode)"
MEANS = (
    "Every plain block multiplies the gradient by about the same factor, so that depth makes a power of it: with batch "
    "normalization it grows by three or four powers of ten towards the first layers, without it nothing arrives at "
    "all. Either way no one learning rate suits all layers. The shortcut hands the gradient on as it is, and what a "
    "block adds stays small: 56 layers look much like 20."
)


def measure() -> Experiment:
    """The same figures on every machine, to the digits that are kept. Takes seconds."""
    ours = reference(EXERCISE)
    panels = tuple(Panel(title, tuple(_curves(ours, train=title == NORMALIZED))) for title in (NORMALIZED, BARE))
    return Experiment(TITLE, ABOUT, panels, MEANS)


def _curves(ours: types.ModuleType, *, train: bool) -> Iterator[Curve]:
    for kind, block in (("plain", ours.PlainBlock), ("residual", ours.BasicBlock)):
        for layers, blocks in BLOCKS.items():
            norms = ours.gradient_norms(net(block, blocks).train(train), *batch())
            yield Curve(f"{kind}, {layers} layers", tuple(float(f"{norm:.{DIGITS}g}") for norm in norms.values()))


def net(block: Any, blocks: int) -> nn.Sequential:
    """3 channels -> blocks of `WIDTH` channels at full size -> mean -> classes; weights as nn.Conv2d draws its own."""
    made = nn.Sequential(
        nn.Conv2d(3, WIDTH, 3, padding=1, bias=False), nn.BatchNorm2d(WIDTH), nn.ReLU(),
        *(block(WIDTH, WIDTH) for _ in range(blocks)),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(WIDTH, CLASSES),
    ).double()  # fmt: skip
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, value in made.named_parameters():
            if value.dim() > 1:
                spread = torch.rand(value.shape, generator=generator, dtype=torch.float64) * 2 - 1
                value.copy_(spread / math.sqrt(math.prod(value.shape[1:])))
            elif name.endswith("bias"):
                value.zero_()
    return made


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    """(N, 3, H, W) of noise, and every class as often as the others, about."""
    generator = torch.Generator().manual_seed(1)
    noise = torch.rand(IMAGES, 3, SIDE, SIDE, generator=generator, dtype=torch.float64) * 2 - 1
    return noise * math.sqrt(3), torch.arange(IMAGES) % CLASSES


def data(found: Experiment) -> str:
    """As it is kept: a curve a line."""
    text = json.dumps(msgspec.to_builtins(found), indent=1)
    return _NUMBERS.sub(lambda numbers: " ".join(numbers[0].split()), text) + "\n"


# The picture

_LEFT, _RIGHT, _TOP, _PANEL, _GAP, _WIDE = 52, 10, 30, 150, 58, 420
_STYLES = {  # colour, and gaps of the line: they are told apart without colour too
    "plain, 20 layers": ("var(--strong-amber, #a25b00)", "6 4"),
    "plain, 56 layers": ("var(--strong-red, #b3261e)", ""),
    "residual, 20 layers": ("var(--strong-green, #1a7f4b)", "6 4"),
    "residual, 56 layers": ("var(--strong-blue, #1f5fbf)", ""),
}


def picture(found: Experiment) -> str:
    """The curves of both panels, each over its own powers of ten, and what they are."""
    name = f"{EXERCISE}-end"
    height = len(found.panels) * (_TOP + _PANEL + _GAP) + 44
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDE} {height}" role="img" '
        f'aria-labelledby="{name}-title {name}-desc"\n'
        "  font-family=\"system-ui, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif\" font-size=\"14\" "
        'text-anchor="middle" fill="currentColor">',
        f'  <title id="{name}-title">{found.title}</title>',
        f'  <desc id="{name}-desc">{_in_words(found)}</desc>',
    ]
    for number, panel in enumerate(found.panels):
        parts += _panel(panel, number * (_TOP + _PANEL + _GAP))
    for number, (label, (colour, gaps)) in enumerate(_STYLES.items()):
        x, y = _LEFT + (number // 2) * 190, height - 34 + (number % 2) * 22
        parts.append(_line(f"M{x} {y} L{x + 30} {y}", colour, gaps))
        parts.append(f'  <text x="{x + 38}" y="{y + 5}" text-anchor="start">{label}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _in_words(found: Experiment) -> str:
    ends = [
        f"{panel.title}: "
        + "; ".join(f"{c.name}: {c.values[0]:.2g} at the first, {c.values[-1]:.2g} at the last" for c in panel.curves)
        for panel in found.panels
    ]
    return f"Norm of the gradient at every convolution. {'. '.join(ends)}."


def _panel(panel: Panel, top: int) -> Iterator[str]:
    logs = [math.log10(value) for curve in panel.curves for value in curve.values]
    low, high = math.floor(min(logs)), math.ceil(max(logs))
    base, step = top + _TOP + _PANEL, max(1, math.ceil((high - low) / 5))
    yield f'  <text x="{_LEFT - 40}" y="{top + 16}" text-anchor="start" font-weight="600">{panel.title}</text>'
    for power in range(low, high + 1, step):
        y = base - _PANEL * (power - low) / (high - low)
        yield _line(f"M{_LEFT} {y:.1f} L{_WIDE - _RIGHT} {y:.1f}", "currentColor", "1 4")
        yield f'  <text x="{_LEFT - 6}" y="{y + 5:.1f}" text-anchor="end">1e{power}</text>'
    for curve in panel.curves:
        across = (_WIDE - _RIGHT - _LEFT) / (len(curve.values) - 1)
        points = [
            f"{_LEFT + across * place:.1f} {base - _PANEL * (math.log10(value) - low) / (high - low):.1f}"
            for place, value in enumerate(curve.values)
        ]
        yield _line(f"M{' L'.join(points)}", *_STYLES[curve.name], width=2)
    yield f'  <text x="{_LEFT}" y="{base + 20}" text-anchor="start">first layer</text>'
    yield f'  <text x="{_WIDE - _RIGHT}" y="{base + 20}" text-anchor="end">last layer</text>'


def _line(path: str, colour: str, gaps: str, *, width: float = 1) -> str:
    dashes = f' stroke-dasharray="{gaps}"' if gaps else ""
    return f'  <path d="{path}" fill="none" stroke="{colour}" stroke-width="{width:g}"{dashes}/>'


def files(found: Experiment) -> dict[Path, str]:
    """Where it is kept -> what is kept."""
    return {
        FOLDER / f"{EXERCISE}.json": data(found),
        root() / "solutions" / "pictures" / f"{EXERCISE}-end.svg": picture(found),
    }


def main() -> int:
    torch.set_num_threads(1)
    for file, text in files(measure()).items():
        write_text(file, text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
