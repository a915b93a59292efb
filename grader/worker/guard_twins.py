"""PyTorch's own Python versions of its operators: references and decompositions, which do the work by other operators.

A ban on an operator is one on them. They are found by their names and in the tables that PyTorch keeps of them, and
made to refuse themselves: a table, a wrapper or a tracer has no other.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from types import FunctionType
from typing import Any

import torch
import torch._decomp
import torch._refs.linalg
import torch._refs.nn.functional
import torch._refs.special

from .guard_kernels import matching
from .guard_names import Refuse, empty_out

_HOMES = ("torch._refs", "torch._decomp")


def forbid_twins(patterns: Iterable[str], refuse: Refuse) -> None:
    """Let every Python version of the operators that match refuse, whoever has it."""
    for name in matching(patterns, TWINS):
        for twin in TWINS[name]:
            empty_out(twin, name, refuse)


def _found() -> Iterator[tuple[str, object]]:
    """(operator, its Python version)."""
    tables: Any = torch._decomp.global_decomposition_table
    for kind, table in tables.items():
        if kind != "meta":  # those compute shapes and no values
            for operator, twin in table.items():
                yield operator.name().partition(".")[0], twin
    for home, module in list(sys.modules.items()):
        if home.startswith(_HOMES):
            for name, value in vars(module).items():
                if isinstance(value, FunctionType) and value.__module__.startswith(_HOMES):
                    yield f"aten::{name}", value


TWINS: dict[str, list[object]] = {}
for _name, _twin in _found():
    TWINS.setdefault(_name, []).append(_twin)
