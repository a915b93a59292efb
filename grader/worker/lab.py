"""Models and optimizers of our own, for a learner's function that takes one: built where the learner's code runs.

A check builds the same ones in its own process, from the same texts and the same seed. What a function here says of a
model over there is that side's word: it serves to tell a learner what was left changed.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import nn


class OwnConv2d(nn.Conv2d):
    """A subclass of nn.Conv2d, which is one too."""


class Unused(nn.Module):
    """Holds a layer and hands its input on."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x


class Residual(nn.Module):
    """x + the layers, one after the other, of x."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.body = nn.Sequential(*layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = x + self.body(x)
        return result


class Twice(nn.Module):
    """The layer, and the very same layer again."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.layer(self.layer(x))
        return result


class Probe(nn.Module):
    """Hands its input on and notes (training, whether gradients are recorded, number of images) of every call."""

    def __init__(self) -> None:
        super().__init__()
        self.noted: list[tuple[bool, bool, int]] = []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.noted.append((self.training, torch.is_grad_enabled(), len(x)))
        return x


class Fails(nn.Module):
    """Raises RuntimeError in its call number `call` (the first is 1), and hands its input on in every other."""

    def __init__(self, call: int = 1) -> None:
        super().__init__()
        self.left = call

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.left -= 1
        if self.left == 0:
            raise RuntimeError("this model was made to fail here")
        return x


LAYERS: Mapping[str, type[nn.Module]] = {
    kind.__name__: kind for kind in (OwnConv2d, Unused, Residual, Twice, Probe, Fails)
}


def model(*layers: str, seed: int = 0, dtype: str = "float32", **named: str) -> nn.Sequential:
    """An nn.Sequential of what the texts say ("Conv2d(1, 2, 3)"), then of the named ones.

    All values are drawn from `seed`, batch statistics too. Raises ValueError for a text that names no layer.
    """
    texts = {str(number): text for number, text in enumerate(layers)} | named
    found = nn.Sequential()
    with torch.random.fork_rng(devices=()):  # a layer's own initial values must not move the learner's random numbers
        for name, text in texts.items():
            found.add_module(name, layer(text))
    found.to(getattr(torch, dtype))
    _fill(found, torch.Generator().manual_seed(seed))
    return found


def layer(text: str) -> nn.Module:
    """The layer that a text names: a class of torch.nn or of `LAYERS`, called with plain values and other layers."""
    try:
        found = _value(ast.parse(text, mode="eval").body, text)
    except (SyntaxError, ValueError):
        found = None
    if not isinstance(found, nn.Module):
        raise ValueError(f"not the text of a layer: {text!r}")
    return found


def _value(node: ast.expr, text: str) -> Any:
    if not isinstance(node, ast.Call):
        return ast.literal_eval(node)
    name = node.func.id if isinstance(node.func, ast.Name) else ""
    kind = LAYERS.get(name) or getattr(nn, name, None)
    if not (isinstance(kind, type) and issubclass(kind, nn.Module)):
        raise ValueError(name)
    args = [_value(arg, text) for arg in node.args]
    return kind(*args, **{word.arg: _value(word.value, text) for word in node.keywords if word.arg})


def _fill(module: nn.Module, generator: torch.Generator) -> None:
    """Values that no part of a model has by itself: scales around 1, offsets around 0, weights by their fan-in."""
    tensors = [*module.named_parameters(), *module.named_buffers()]
    with torch.no_grad():
        for name, tensor in tensors:
            if not tensor.is_floating_point():
                continue
            spread = torch.rand(tensor.shape, generator=generator, dtype=torch.float64) * 2 - 1
            if name.endswith(("weight", "running_var")) and tensor.dim() == 1:
                tensor.copy_(1 + spread / 2)
            else:
                fan_in = math.prod(tensor.shape[1:]) if tensor.dim() > 1 else 4
                tensor.copy_(spread / math.sqrt(max(fan_in, 1)))


def sgd(model: nn.Module, lr: float, momentum: float = 0.0, weight_decay: float = 0.0) -> torch.optim.Optimizer:
    """An optimizer over all parameters of a model."""
    return torch.optim.SGD(model.parameters(), lr=lr, momentum=momentum, weight_decay=weight_decay)


def modes(model: nn.Module) -> dict[str, bool]:
    """The training flag of every module by its name; "" is the model."""
    return {name: module.training for name, module in model.named_modules()}


def set_modes(model: nn.Module, modes: Mapping[str, bool]) -> None:
    for name, training in modes.items():
        model.get_submodule(name).training = training


def trainable(model: nn.Module) -> dict[str, bool]:
    """Whether every parameter requires a gradient, by its name."""
    return {name: parameter.requires_grad for name, parameter in model.named_parameters()}


def set_trainable(model: nn.Module, trainable: Mapping[str, bool]) -> None:
    for name, wanted in trainable.items():
        model.get_parameter(name).requires_grad_(wanted)


def grads(model: nn.Module) -> dict[str, torch.Tensor | None]:
    """The .grad of every parameter by its name, as it is now."""
    return {name: _copy(parameter.grad) for name, parameter in model.named_parameters()}


def set_grads(model: nn.Module, grads: Mapping[str, torch.Tensor | None]) -> None:
    for name, grad in grads.items():
        model.get_parameter(name).grad = _copy(grad)


def _copy(grad: torch.Tensor | None) -> torch.Tensor | None:
    return None if grad is None else grad.detach().clone()


def hooks(model: nn.Module) -> dict[str, int]:
    """How many forward hooks and forward pre-hooks every module has, by its name."""
    return {name: len(m._forward_hooks) + len(m._forward_pre_hooks) for name, m in model.named_modules()}


def add_hook(model: nn.Module, name: str) -> None:
    """Add a forward hook that changes nothing and counts its calls: see `hooked`."""
    module = model.get_submodule(name)
    module.__dict__["lab_hooked"] = 0

    def count(*_: object) -> None:
        module.__dict__["lab_hooked"] += 1

    module.register_forward_hook(count)


def hooked(model: nn.Module, name: str) -> int:
    """How often the hook has run that `add_hook` added to the module of that name."""
    count: int = model.get_submodule(name).__dict__.get("lab_hooked", 0)
    return count


def seen(model: nn.Module) -> list[tuple[bool, bool, int]]:
    """What the probes of a model noted, probe by probe."""
    return [note for probe in _probes(model) for note in probe.noted]


def _probes(model: nn.Module) -> Iterator[Probe]:
    return (module for module in model.modules() if isinstance(module, Probe))


class GradMode:
    """Whether gradients were recorded when the last call of the learner's function ended."""

    left = True


grad_mode = GradMode()


def grad_left() -> bool:
    """Whether the last call of the learner's function, which began with gradients on, left them on."""
    return grad_mode.left


MAKERS: Mapping[str, Callable[..., Any]] = {"model": model, "sgd": sgd}
CHANGES: Mapping[str, Callable[..., Any]] = {
    known.__name__: known for known in (set_modes, set_trainable, set_grads, add_hook)
}
QUESTIONS: Mapping[str, Callable[..., Any]] = {
    known.__name__: known for known in (modes, trainable, grads, hooks, hooked, seen, grad_left)
}
FUNCTIONS: Mapping[str, Callable[..., Any]] = {**MAKERS, **CHANGES, **QUESTIONS}
