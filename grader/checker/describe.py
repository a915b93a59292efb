"""Values in a learner's words: what something is, never more than a line of it."""

from __future__ import annotations

from typing import Any

import torch

from grader.text import clean
from grader.worker.wire import OpaqueV

ITEMS = 6  # of a list that are still named
CAP = 300  # characters


def described(value: Any) -> str:
    """What a value is, with article: "the int 8", "a float32 tensor of shape (2, 3)", "None"."""
    return clean(_described(value), CAP)


def _described(value: Any) -> str:
    if isinstance(value, torch.Tensor):
        text = f"{article(_dtype(value))} tensor of shape {tuple(value.shape)}"
        return f"{text} that holds {value.item()}" if value.numel() == 1 and value.device.type != "meta" else text
    if isinstance(value, OpaqueV):
        return _opaque(value)
    if value is None or isinstance(value, bool):
        return str(value)
    if isinstance(value, str):
        return f"the string {value!r}"
    if isinstance(value, list | tuple | dict):
        return f"the {type(value).__name__} {text_of(value)}" if len(value) else f"an empty {type(value).__name__}"
    return f"the {type(value).__name__} {value!r}"


def text_of(value: Any, *, items: int = ITEMS) -> str:
    """A value as Python would write it, tensors as their type and shape, long ones cut."""
    if isinstance(value, torch.Tensor):
        return f"{_dtype(value)}{list(value.shape)}"
    if isinstance(value, OpaqueV):
        return f"<{value.type_name}>"
    if isinstance(value, dict):
        pairs = [f"{key!r}: {text_of(item, items=items)}" for key, item in list(value.items())[:items]]
        return f"{{{', '.join(pairs + _rest(value, items))}}}"
    if isinstance(value, list | tuple):
        parts = ", ".join([text_of(item, items=items) for item in value[:items]] + _rest(value, items))
        return f"[{parts}]" if isinstance(value, list) else f"({parts}{',' * (len(value) == 1)})"
    return repr(value)


def _rest(value: Any, items: int) -> list[str]:
    return [f"… {len(value) - items} more"] if len(value) > items else []


def _opaque(value: OpaqueV) -> str:
    if value.type_name == "int":  # too long for the wire
        return value.text
    if value.type_name == "torch.Tensor":  # sparse, quantized: its text is ours
        return value.text
    kind = value.type_name.rsplit(".", 1)[-1]
    shown = f" ({value.text})" if len(value.text) <= 60 and "<" not in value.text else ""
    return (
        f"{article(kind)} from {value.type_name.split('.')[0]}{shown}"
        if "." in value.type_name
        else f"{article(kind)}{shown}"
    )


def article(word: str) -> str:
    return f"{'an' if word[:1].lower() in 'aeio' or word in ('ufunc', 'ndarray') else 'a'} {word}"


def _dtype(tensor: torch.Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")
