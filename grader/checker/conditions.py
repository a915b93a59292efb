"""When a task goes wrong: only for stride > 1, only with padding, only for pictures that are not square, …

Worked out from failing and from passing inputs, several of each. A condition is named where every failing input meets
it, enough passing ones do not, and neither chance nor another condition explains the same.
"""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch

from grader.learner import Case

from .names import last_call, signature_of

LEAST = 3  # different failing inputs, and different passing ones without the condition
CHANCE = 0.02  # how likely it may be that all failing inputs meet the condition by chance
SHARE = 0.3  # of the inputs that meet it have to fail
IMAGES = 4  # axes of a batch of images
GIVEN = " is given"
SIDES = ("kernel", "weight")  # what has to be odd for a centre


def only_where(reference: types.ModuleType, failing: Sequence[Case], passing: Sequence[Case]) -> str | None:
    """The condition in words ("stride is more than 1"), or None. All cases are calls of one task."""
    wrong, right = _described(reference, failing), _described(reference, passing)
    wrong_facts, right_facts = list(dict.fromkeys(wrong)), list(dict.fromkeys(right))
    if len(wrong_facts) < LEAST:
        return None
    held = [fact for fact in wrong_facts[0] if all(fact in facts for facts in wrong_facts)]
    met = {fact: [i for i, facts in enumerate(right_facts) if fact in facts] for fact in held}
    telling = [fact for fact in held if _tells(len(wrong_facts), len(met[fact]), len(right_facts))]
    if not telling:
        return None
    best = min(telling, key=lambda fact: len(met[fact]))  # the first of those that are equally good
    return None if any(_rivals(fact, best, met) for fact in telling) else best


def _rivals(fact: str, best: str, met: Mapping[str, Sequence[int]]) -> bool:
    """Whether another condition explains the failures as well as the best; one that says less of the same does not."""
    if fact == best or set(met[best]) < set(met[fact]):
        return False
    return not (fact.endswith(GIVEN) and fact.split()[0] == best.split()[0])


def _tells(wrong: int, met: int, right: int) -> bool:
    """Whether a condition that all failing inputs meet, and so many of the passing ones, is more than chance."""
    rate = (wrong + met) / (wrong + right)
    return right - met >= LEAST and wrong >= SHARE * (wrong + met) and rate**wrong <= CHANCE


def _described(reference: types.ModuleType, cases: Sequence[Case]) -> list[tuple[str, ...]]:
    """The facts of every case whose last call is known by its arguments."""
    return [tuple(_facts(*settings)) for case in cases if (settings := _settings(reference, case)) is not None]


def _settings(reference: types.ModuleType, case: Case) -> tuple[Mapping[str, Any], Mapping[str, Any]] | None:
    """(what was given or stands as a default, the defaults) of the last call and of how its module was made."""
    given: dict[str, Any] = {}
    defaults: dict[str, Any] = {}
    for function, event in last_call(reference, case):
        try:
            signature = signature_of(function)
            bound = signature.bind(*event.args, **event.kwargs)
        except (TypeError, ValueError):
            return None
        bound.apply_defaults()
        given |= bound.arguments
        defaults |= {
            name: parameter.default
            for name, parameter in signature.parameters.items()
            if parameter.default is not parameter.empty
        }
    return (given, defaults) if given else None


def _facts(given: Mapping[str, Any], defaults: Mapping[str, Any]) -> Iterator[str]:
    """What is true of one input and could have been otherwise, in words that follow "only where"."""
    first = next((value for value in given.values() if isinstance(value, torch.Tensor)), None)
    if first is not None and first.device.type != "cpu":
        yield "the input is on another device than the CPU"
    if first is not None and first.dtype != torch.float32:
        yield f"the input is {str(first.dtype).removeprefix('torch.')}"
    for name, value in given.items():
        if isinstance(value, torch.Tensor):
            yield from _of_tensor(name, value)
        elif _pair(value) is not None:
            yield from _of_numbers(name, value, defaults)
        if name in defaults:
            yield from _unlike_default(name, value, defaults[name])


def _of_tensor(name: str, value: torch.Tensor) -> Iterator[str]:
    if value.dim() >= 2 and value.shape[-1] != value.shape[-2]:
        yield f"{name} is not square"
    if value.dim() == IMAGES and not name.startswith(SIDES):
        yield from [f"{name} holds more than one image"] * (value.shape[0] > 1)
        yield from [f"{name} has more than one channel"] * (value.shape[1] > 1)
    if value.dim() >= 2 and name.startswith(SIDES):
        yield from [f"{name} has an even height or width"] * any(side % 2 == 0 for side in value.shape[-2:])
    if not value.is_contiguous():
        yield f"{name} is a view with its elements in another order in memory (not contiguous)"


def _of_numbers(name: str, value: Any, defaults: Mapping[str, Any]) -> Iterator[str]:
    pair = _pair(value)
    assert pair is not None
    if pair[0] != pair[1]:
        yield f"{name} differs for height and width"
    if name.startswith(SIDES) and any(side % 2 == 0 for side in pair):
        yield f"{name} is even"
    usual = _pair(defaults.get(name, 1))
    if usual is not None and pair != usual and min(pair) >= min(usual):
        yield f"{name} is more than {usual[0]}" if min(usual) == max(usual) else f"{name} is not {usual}"


def _unlike_default(name: str, value: Any, usual: Any) -> Iterator[str]:
    if isinstance(value, bool | str) and value != usual:
        yield f"{name} is {value!r}"
    elif usual is None and value is not None:
        yield f"{name}{GIVEN}"


def _pair(value: Any) -> tuple[int, int] | None:
    """A number or a pair of them, as (height, width)."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value, value
    if isinstance(value, tuple) and len(value) == 2 and all(type(side) is int for side in value):
        return value
    return None
