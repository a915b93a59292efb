"""Which elements of the inputs the first wrong element of an answer depends on: its window, and more than that none.

Found by asking our own reference: each element of a small input is moved far up and far down, and where the right
element changes, it depends on it. So it needs to know nothing of convolutions, pools and their gradients.
"""

from __future__ import annotations

import itertools
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from grader.learner import Case, Event
from grader.model import Window
from grader.worker.values import tensors_in

from .compare import Mismatch, alike, close
from .names import last_call

MOST = 256  # elements of all inputs that are moved, each twice
PARAMETERS = 5000  # of a module that is still asked so often
FAR = 1000.0  # beyond every value a check draws, so that a maximum moves with it

Index = tuple[int, ...]
Point = Mapping[int, torch.Tensor]  # by id: what stands in place of an input
Swap = Callable[[torch.Tensor], torch.Tensor]
Answer = Callable[[Swap], Sequence[torch.Tensor]]


def window(
    reference: types.ModuleType,
    case: Case,
    cause: Mismatch,
    inputs: Mapping[str, torch.Tensor],
    upstream: torch.Tensor | None = None,
) -> Window | None:
    """The window of the first wrong element; None where it cannot be told, or is all there is.

    `upstream`: the gradient that was sent back through the call, where the backward pass is what was asked for.
    """
    if cause.bad is None or cause.bad.dim() == 0:
        return None
    first = tuple(int(i) for i in cause.bad.nonzero()[0])
    try:
        answer = _answer(reference, case, upstream)
        place = (
            None if answer is None else _place(answer, cause.expected, is_module=case.events[-1].subject is not None)
        )
        if answer is None or place is None:
            return None
        moved = _moved(inputs)
        points = _points(list(moved.values()))
        found = {name: _depends(answer, place, first, tensor, points) for name, tensor in moved.items()}
    except Exception:  # a picture more or less is worth no grade
        return None
    telling = {name: places for name, places in found.items() if 0 < len(places) < inputs[name].numel()}
    parts = tuple((name, tuple(sorted(places))) for name, places in telling.items())
    return Window(first, parts) if parts else None


def _moved(inputs: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The inputs that can be looked through: pictures and kernels, as far as they are small."""
    left, chosen = MOST, {}
    for name, tensor in inputs.items():
        fits = tensor.dim() >= 2 and tensor.is_floating_point() and tensor.device.type == "cpu"
        if fits and 1 < tensor.numel() <= left:
            left -= tensor.numel()
            chosen[name] = tensor
    return chosen


def _answer(reference: types.ModuleType, case: Case, upstream: torch.Tensor | None) -> Answer | None:
    """Gives the right answers to the last call of the case, any of its tensors exchanged for another."""
    calls = list(last_call(reference, case))
    if not calls:
        return None
    function, event = calls[-1]
    if len(calls) == 2:
        function = _built(*calls[0])
    if function is None:
        return None
    if upstream is None:
        return lambda swap: tensors_in([function(*_given(event.args, swap), **_given(event.kwargs, swap))])

    def gradients(swap: Swap) -> Sequence[torch.Tensor]:
        made: dict[int, torch.Tensor] = {}

        def leaf(tensor: torch.Tensor) -> torch.Tensor:
            return made.setdefault(id(tensor), swap(tensor).detach().clone().requires_grad_(tensor.requires_grad))

        result = function(*_given(event.args, leaf), **_given(event.kwargs, leaf))
        leaves = [tensor for tensor in made.values() if tensor.requires_grad]
        return torch.autograd.grad(result, leaves, swap(upstream), allow_unused=True, materialize_grads=True)

    return gradients


def _built(kind: Any, made: Event) -> Any:
    """Our own module, made alike: its weights are others, the windows of its elements are the same."""
    with torch.random.fork_rng(devices=[]):
        module = kind(*made.args, **made.kwargs)
    return module if sum(parameter.numel() for parameter in module.parameters()) <= PARAMETERS else None


def _given(value: Any, swap: Swap) -> Any:
    if isinstance(value, torch.Tensor):
        return swap(value)
    if isinstance(value, dict):
        return {key: _given(item, swap) for key, item in value.items()}
    return type(value)(_given(item, swap) for item in value) if type(value) in (list, tuple) else value


def _place(answer: Answer, expected: torch.Tensor, *, is_module: bool) -> int | None:
    """Which of the right answers is the one that was expected."""
    for place, value in enumerate(answer(lambda tensor: tensor)):
        if value.shape == expected.shape and (is_module or _is_close(value, expected)):
            return place
    return None


def _is_close(value: torch.Tensor, expected: torch.Tensor) -> bool:
    try:
        close(value.detach(), expected.detach())
    except Mismatch:
        return False
    return True


def _depends(answer: Answer, place: int, first: Index, tensor: torch.Tensor, points: Sequence[Point]) -> set[Index]:
    """The indices of the tensor at which a move changes that element of that answer."""
    found: set[Index] = set()
    for point in points:
        start = point.get(id(tensor), tensor).detach()
        before = answer(_swap(point))[place][first].detach().clone()
        for index in itertools.product(*map(range, tensor.shape)):
            for step in (FAR, -FAR) if index not in found else ():
                other = start.clone()
                other[index] += step
                after = answer(_swap({**point, id(tensor): other}))[place][first].detach()
                if not bool(alike(after, before)):
                    found.add(index)
                    break
    return found


def _swap(point: Point) -> Swap:
    return lambda tensor: point.get(id(tensor), tensor)


def _points(inputs: Sequence[torch.Tensor]) -> list[Point]:
    """Where to begin: at the input itself, and without its zeros, since nothing shows beside a factor of 0."""
    filled = {id(tensor): tensor.detach().masked_fill(tensor == 0, 0.5).requires_grad_(tensor.requires_grad)
              for tensor in inputs if bool((tensor == 0).any())}  # fmt: skip
    return [{}, filled] if filled else [{}]
