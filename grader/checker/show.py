"""A failing case as fields for the eye: the call in words, its inputs, expected and got, a snippet that repeats it."""

from __future__ import annotations

import inspect
import itertools
import keyword
import math
import re
import types
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from grader.learner import Case, Event, Thing
from grader.model import Counterexample, Drawn, Shown, TensorView
from grader.text import clean
from grader.worker.values import Unpacker
from grader.worker.wire import Backward, OpaqueV

from . import meaning
from .compare import Mismatch
from .describe import article, text_of
from .literal import literal
from .window import window

VALUES_CAP = 1024  # elements of a tensor that are still shown
SNIPPET_CAP = 800  # elements of all inputs that are still worth pasting
INPUTS_CAP = 24  # tensors that are still shown
ITEMS_CAP = 40  # items of a list that are still written out
TEXT_CAP = 600


def tensor_view(tensor: torch.Tensor, drawn: Drawn = Drawn.NUMBERS) -> TensorView:
    """A tensor as plain data, and what it stands for."""
    plain, name = tensor.detach(), str(tensor.dtype).removeprefix("torch.")
    if plain.device.type == "meta" or plain.is_complex():
        return TensorView(name, tuple(plain.shape), None)
    finite = plain[plain.isfinite()] if plain.is_floating_point() else plain.reshape(-1)
    low, high = (finite.min().item(), finite.max().item()) if finite.numel() else (None, None)
    entries = math.prod(max(1, size) for size in plain.shape)  # a tensor of 30,000 rows of nothing is long, too
    values = plain.tolist() if entries <= VALUES_CAP else None
    ends = (None if low is None else float(low), None if high is None else float(high))
    return TensorView(name, tuple(plain.shape), values, *ends, drawn)


def shown(value: Any, statement: str = "") -> Shown:
    """Any value of a check for the eye, cleaned where it is a learner's; `statement` says what an answer stands for."""
    if isinstance(value, torch.Tensor):
        return tensor_view(value, meaning.of_result(statement, value))
    if isinstance(value, OpaqueV):
        return clean(f"{article(value.type_name)}: {value.text}", TEXT_CAP)
    return clean(value if isinstance(value, str) else text_of(value, items=ITEMS_CAP), TEXT_CAP)


def counterexample(
    exercise: str, reference: types.ModuleType, case: Case, cause: Any, *, closely: bool = True
) -> Counterexample | None:
    """What the case looked like: its last call, every tensor it was given, and how the answer differs.

    `closely`: also what the first wrong element depends on, which asks the reference some hundred times.
    """
    if not case.events:
        return None
    writer = _Writer(exercise, reference)
    for event in _leading_to_the_last(case.events):
        writer.write(event)
    writer.go_back(case)
    mismatch = cause if isinstance(cause, Mismatch) else None
    told = meaning.statement_of(reference, case)
    return Counterexample(
        call=clean(writer.calls[-1], TEXT_CAP, keep_newlines=False),
        inputs=(
            *((name, clean(text, TEXT_CAP)) for name, text in writer.things.items()),
            *(
                (name, tensor_view(value, meaning.of_input(told, name, value)))
                for name, value in list(writer.inputs.items())[:INPUTS_CAP]
            ),
        ),
        expected=None if mismatch is None or mismatch.kind == "property" else shown(mismatch.expected, told),
        got=None if mismatch is None or mismatch.kind == "property" else shown(mismatch.got, told),
        where=None if mismatch is None or mismatch.where is None else clean(mismatch.where, TEXT_CAP),
        difference=_difference(mismatch),
        snippet=writer.snippet(),
        window=window(reference, case, mismatch, writer.inputs, writer.upstream) if mismatch and closely else None,
        chosen=meaning.choice(told, mismatch.expected, mismatch.got) if mismatch else None,
    )


def _leading_to_the_last(events: Sequence[Event]) -> Iterator[Event]:
    """The last call, and what was done before to the modules that it involves."""
    last = events[-1]
    involved = _involved(last)
    leading = [last]
    for event in reversed(events[:-1]):
        changes = event.subject is None and event.gives is None and event.name.startswith("lab.")
        if {event.subject, event.gives} & involved or (changes and _involved(event) & involved):
            involved |= _involved(event)  # an optimizer leads to its model
            leading.append(event)
    yield from reversed(leading)


def _involved(event: Event) -> set[str | None]:
    """The variables of the objects over there that a step names."""
    things = (*event.args, *event.kwargs.values())
    return {thing.name for thing in things if isinstance(thing, Thing)} | ({event.subject} - {None})


def _difference(mismatch: Mismatch | None) -> TensorView | None:
    """|got - expected|, zero where the difference is rounding; NaN where got is no number."""
    if mismatch is None or mismatch.bad is None:
        return None
    got, want = mismatch.got.detach().double(), mismatch.expected.detach().double()
    return tensor_view(torch.where(mismatch.bad, (got - want).abs(), 0.0))


@dataclass(slots=True)
class _Writer:
    """Turns events into Python text, giving every tensor a name."""

    exercise: str
    reference: types.ModuleType
    inputs: dict[str, torch.Tensor] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    tasks: set[str] = field(default_factory=set)
    made: dict[str, str] = field(default_factory=dict)
    things: dict[str, str] = field(default_factory=dict)  # models and optimizers of ours: how each was made
    lab: bool = False
    upstream: torch.Tensor | None = None  # what is sent back through the last call

    def write(self, event: Event) -> None:
        names = _parameters(self.reference, event)
        given = [self.text(value, names[i] if i < len(names) else f"arg{i}") for i, value in enumerate(event.args)]
        given += [f"{key}={self.text(value, key)}" for key, value in event.kwargs.items()]
        call = f"({', '.join(given)})"
        if event.subject is not None:  # a module that was built before
            method = f".{event.name}" if event.name else ""
            self.calls.append(f"{self.made.get(event.subject, event.subject)}{method}{call}")
            self.lines.append(f"{event.subject}{method}{call}")
            return
        if event.name.startswith("lab."):
            self._note(event, call)
        else:
            self.tasks.add(event.name.split(".")[0])
        self.calls.append(f"{event.name}{call}")
        if event.gives is not None:
            self.made[event.gives] = f"{event.name}{call}"
        self.lines.append(f"{event.gives} = {event.name}{call}" if event.gives else f"{event.name}{call}")

    def _note(self, event: Event, call: str) -> None:
        """A model is an input too, and so is what was done to it before the call."""
        self.lab = True
        if event.gives is not None:
            self.things[event.gives] = f"{event.name}{call}"
        elif event.args and isinstance(event.args[0], Thing):
            name = event.args[0].name
            self.things[name] = f"{self.things.get(name, name)}, then {event.name}{call}"

    def go_back(self, case: Case) -> None:
        """The backward pass, where that is the last thing that was asked for and one result was sent back through."""
        last = case.exchanges[-1] if case.exchanges else None
        if last is None or not isinstance(last.request, Backward) or len(last.request.grads) != 1:
            return
        upstream = Unpacker(last.body).unpack(last.request.grads[0])
        if not isinstance(upstream, torch.Tensor) or " = " in self.lines[-1]:
            return
        self.upstream = upstream
        name = self._named(upstream, "grad_out")
        self.calls.append(f"{self.calls[-1]}.backward({name})")
        leaves = [known for known, tensor in self.inputs.items() if tensor.requires_grad]
        grads = ", ".join(f"{known}.grad" for known in leaves)
        subject = case.events[-1].subject
        shown_grads = grads or (f"*[p.grad for p in {subject}.parameters()]" if subject else "")
        self.lines[-1:] = [f"result = {self.lines[-1]}", f"result.backward({name})", f"print({shown_grads})"]

    def text(self, value: Any, name: str) -> str:
        if isinstance(value, Thing):
            return value.name
        if isinstance(value, torch.Tensor):
            return self._named(value, name)
        if isinstance(value, list | tuple) and not isinstance(value, torch.Size):
            inner = ", ".join(self.text(item, f"{name}_{i}") for i, item in enumerate(value))
            return f"[{inner}]" if isinstance(value, list) else f"({inner}{',' * (len(value) == 1)})"
        if isinstance(value, dict):
            return f"{{{', '.join(f'{key!r}: {self.text(item, str(key))}' for key, item in value.items())}}}"
        return f"float('{value}')" if isinstance(value, float) and not math.isfinite(value) else repr(value)

    def _named(self, value: torch.Tensor, name: str) -> str:
        """The variable that holds this tensor: a legal name that means nothing else in the snippet."""
        for known, tensor in self.inputs.items():
            if tensor is value:
                return known
        plain = re.sub(r"\W", "_", name)
        plain = plain if plain.isidentifier() and not keyword.iskeyword(plain) else f"arg_{plain}"
        taken = {*self.inputs, *self.made, *vars(self.reference), "torch", "print", "result"}
        final = next(
            new for count in itertools.count(1) if (new := plain if count == 1 else f"{plain}{count}") not in taken
        )
        self.inputs[final] = value
        return final

    def snippet(self) -> str | None:
        if sum(tensor.numel() for tensor in self.inputs.values()) > SNIPPET_CAP or len(self.inputs) > INPUTS_CAP:
            return None
        head = ["import torch", f"from {self.exercise} import {', '.join(sorted(self.tasks))}"]
        head += ["from grader.checker import lab", ""] if self.lab else [""]
        made = [f"{name} = {literal(value)}" for name, value in self.inputs.items()]
        *before, last = self.lines
        plain = last.startswith("print(") or re.match(r"\w+ = ", last)
        return "\n".join([*head, *made, *before, last if plain else f"print({last})"])


def _parameters(reference: types.ModuleType, event: Event) -> Sequence[str]:
    """The names of the arguments as the exercise's own signature has them."""
    if event.subject is not None:
        return ("x",) if not event.name else ("state_dict",) if "state" in event.name else ()
    task = getattr(reference, event.name.split(".")[0], None)
    if task is None:
        return ()
    names = list(_signature(task.forward if event.name.endswith(".apply") else task))
    return names[1:] if names[:1] == ["ctx"] else names


def _signature(function: Any) -> Iterator[str]:
    try:
        yield from inspect.signature(function).parameters
    except (TypeError, ValueError):
        return
