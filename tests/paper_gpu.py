"""A GPU on paper, for machines without one: tensors that say they are on cuda:0, with their values in ordinary memory.

What mixes it with the CPU fails in torch's own words, a tensor made without `device=` is on the CPU, and numpy cannot
look at it: so everything about devices can be rehearsed in this process. What it does not have: CUDA's numerics, its
errors, its memory, its driver.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

from grader.worker.opaque import opaque
from grader.worker.serve import Servant
from grader.worker.values import Packer
from grader.worker.wire import Value

CUDA = torch.device("cuda", 0)
MIXED = "Expected all tensors to be on the same device, but found at least two devices, {} and {}!"
# Operators that move values from one device to another, as the real ones do.
_MOVES = ("aten::_to_copy", "aten::copy_", "aten::copy", "aten::_local_scalar_dense", "aten::set_")
_FILLED = ("aten::scalar_tensor", "aten::zeros", "aten::ones", "aten::full", "aten::arange")
# Operators whose indices may be on the CPU while the tensor is not.
_INDEXED = ("aten::index", "aten::index_put", "aten::index_put_", "aten::_index_put_impl_")


class Paper(torch.Tensor):
    """Says it is on cuda:0; `written` has the values. For PyTorch below Python it is on meta, which needs no driver."""

    written: torch.Tensor
    anywhere: bool  # made of nothing but a number: it may as well be on meta in truth

    @staticmethod
    def __new__(cls, inner: torch.Tensor, *, anywhere: bool = False) -> Paper:
        return torch.Tensor._make_wrapper_subclass(  # type: ignore[attr-defined,no-any-return]
            cls, inner.shape, strides=inner.stride(), storage_offset=inner.storage_offset(), dtype=inner.dtype,
            layout=inner.layout, device="meta",
        )  # fmt: skip

    def __init__(self, inner: torch.Tensor, *, anywhere: bool = False) -> None:
        self.written, self.anywhere = inner, anywhere

    @property
    def device(self) -> torch.device:  # type: ignore[override]
        return CUDA

    @property
    def data(self) -> torch.Tensor:  # type: ignore[override]
        return torch.Tensor.data.__get__(self)  # type: ignore[attr-defined,no-any-return]

    @data.setter
    def data(self, value: Paper) -> None:
        torch.Tensor.data.__set__(self, value)  # type: ignore[attr-defined]
        self.written = value.written

    def __repr__(self, **_: object) -> str:  # type: ignore[override]
        return f"{self.written!r} on paper"

    def to(self, *args: Any, **kwargs: Any) -> Any:
        device = torch._C._nn._parse_to(*args, **kwargs)[0]
        if device is not None and device.type == "meta":  # it is there already, as far as PyTorch knows
            return self.written.to(*args, **kwargs)
        return super().to(*args, **kwargs)

    def numpy(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError(
            "can't convert cuda:0 device type tensor to numpy. "
            "Use Tensor.cpu() to copy the tensor to host memory first."
        )

    def new_tensor(self, data: Any, **kwargs: Any) -> Any:  # type: ignore[override]
        return self.written.new_tensor(data, **kwargs).to(CUDA)

    def tolist(self) -> Any:
        return self.written.tolist()

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        return self.numpy()

    @classmethod
    def __torch_function__(cls, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if function in (torch.Tensor.to, torch.Tensor.type_as) and len(args) > 1 and isinstance(args[1], Paper):
            return args[0].to(CUDA, args[1].dtype)  # below Python that one is on meta
        return torch._C._disabled_torch_function_impl(function, types, args, kwargs or {})

    @classmethod
    def __torch_dispatch__(cls, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return run(function, args, kwargs or {})


class Board(TorchDispatchMode):
    """While this is on, `device="cuda"` makes tensors on paper."""

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return run(function, args, kwargs or {})


def run(function: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """One operator, on the values; what it gives is on paper where its tensors or its `device` are."""
    name = function._schema.name
    given = [value for value in tree_flatten((args, kwargs))[0] if isinstance(value, torch.Tensor)]
    papers = [tensor for tensor in given if isinstance(tensor, Paper)]
    if any(type(tensor) is not Paper and tensor.is_meta for tensor in given):
        args, kwargs = tree_map(_on_meta, (args, kwargs))
        return function(*args, **kwargs)
    _same_place(name, given)
    wanted = kwargs.get("device")
    target = "cuda" if wanted is None and papers else str(wanted).partition(":")[0]
    # On meta, and made by PyTorch for a formula: where the input is, and that is on meta as far as it knows, see above.
    filled = target == "meta" and not papers and name in _FILLED
    made_there = target == "cuda" or filled or (target == "meta" and bool(papers))
    if wanted is not None and made_there:
        kwargs = {**kwargs, "device": torch.device("cpu")}
    result = function(*tree_map(_real, args), **tree_map(_real, kwargs))
    if name in ("aten::_local_scalar_dense",) or (name == "aten::copy_" and not isinstance(args[0], Paper)):
        return args[0] if name == "aten::copy_" else result
    if not made_there:
        return result
    known = {id(paper.written): paper for paper in papers}
    return tree_map(lambda value: _on_paper(value, known, anywhere=filled), result)


def _real(value: Any) -> Any:
    return value.written if isinstance(value, Paper) else value


def _on_meta(value: Any) -> Any:
    """What was made for a formula of tensors which are on meta in truth."""
    if not isinstance(value, Paper):
        return value
    if value.dim() > 0 and not value.anywhere:
        raise RuntimeError(MIXED.format("meta", "cuda:0"))
    return value.written.to("meta")


def _on_paper(value: Any, known: dict[int, Paper], *, anywhere: bool) -> Any:
    if not isinstance(value, torch.Tensor) or isinstance(value, Paper) or value.device.type == "meta":
        return value
    return known[id(value)] if id(value) in known else Paper(value, anywhere=anywhere)


def _same_place(name: str, given: list[torch.Tensor]) -> None:
    if name in _MOVES or not any(isinstance(tensor, Paper) for tensor in given):
        return
    if name in _INDEXED and not isinstance(given[0], Paper):
        raise RuntimeError("indices should be either on cpu or on the same device as the indexed tensor (cpu)")
    looked_at = given[:1] if name in _INDEXED else given
    stray = next((t for t in looked_at if not isinstance(t, Paper) and t.dim() > 0), None)
    if stray is not None:
        raise RuntimeError(MIXED.format("cuda:0", stray.device))


@contextlib.contextmanager
def plugged_in() -> Iterator[None]:
    """This process has a GPU, on paper, for the sessions in it whose device is cuda."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Servant, "answer", _at_the_board(Servant.answer))
        patch.setattr(torch.cuda, "_lazy_init", lambda: None)
        patch.setattr(Packer, "other", lambda packer, value: _packed(packer, value))
        patch.setattr(torch, "tensor", _without_driver(torch.tensor))
        patch.setattr(torch, "as_tensor", _without_driver(torch.as_tensor))
        yield


def _at_the_board(answer: Any) -> Any:
    def answered(servant: Servant, *request: Any) -> Any:
        with Board() if servant.home == CUDA else contextlib.nullcontext():
            return answer(servant, *request)

    return answered


def _packed(packer: Packer, value: object) -> Value:
    """A subclass of Tensor does not cross the wall, and tensors on a real GPU are none."""
    return packer.tensor(value) if isinstance(value, Paper) else opaque(value)


def _without_driver(make: Any) -> Any:
    """What goes by no operator, and would ask the driver."""

    def made(*args: Any, device: Any = None, **kwargs: Any) -> Any:
        made = make(*args, **kwargs) if device is None else make(*args, **kwargs).to(device)
        return made.detach().requires_grad_() if kwargs.get("requires_grad") else made

    return made
