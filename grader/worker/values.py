"""Values to wire and back: tensors become raw bytes, everything else one of a few plain types.

Both sides use it. Coming back, a tensor is rebuilt from bytes into a plain `torch.Tensor`, so nothing that the other
side attached to it (a subclass, an `__eq__`, a hook) survives.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch

from .wire import BODY_CAP, TEXT_CAP, DictV, DtypeV, HandleV, ListV, OpaqueV, TensorV, TupleV, Value, WireError

DTYPES = {
    str(dtype).removeprefix("torch."): dtype
    for dtype in (
        torch.float16,
        torch.bfloat16,
        torch.float32,
        torch.float64,
        torch.complex64,
        torch.complex128,
        torch.uint8,
        torch.int8,
        torch.int16,
        torch.int32,
        torch.int64,
        torch.bool,
    )
}
_NAMES = {dtype: name for name, dtype in DTYPES.items()}
DEPTH_CAP = 24
ITEMS_CAP = 100_000
_ALIGN = 16


class Packer:
    """Writes values down; the tensors' bytes gather in `body`.

    `handle_of` names objects that live in the worker (None: such objects are opaque); `layout` keeps strides, which
    belong to an input but not to an answer.
    """

    def __init__(self, handle_of: Callable[[object], int | None] = lambda _: None, *, layout: bool = False) -> None:
        self.body = bytearray()
        self.layout = layout
        self._handle_of = handle_of
        self._items = 0

    def pack(self, value: object, depth: int = 0) -> Value:
        """The wire's form of `value`. Types are looked at exactly: a subclass of int is not an int."""
        self._items += 1
        if depth > DEPTH_CAP or self._items > ITEMS_CAP:
            raise WireError("nested too deeply or too many items")
        kind = type(value)
        if value is None or kind in (bool, float):
            return value  # type: ignore[return-value]  # narrowed by kind
        if kind is int:
            return value if -(2**63) <= value < 2**63 else OpaqueV("int", "an int of more than 64 bits")  # type: ignore[operator,return-value]
        if kind is str:
            return value.encode("utf-8", "replace").decode()  # type: ignore[attr-defined,no-any-return]
        if kind in (torch.Tensor, torch.nn.Parameter, torch.nn.Buffer):
            return self.tensor(value)  # type: ignore[arg-type]
        if kind is torch.dtype:
            return DtypeV(_NAMES.get(value, str(value)))  # type: ignore[call-overload]
        if isinstance(value, tuple):
            return TupleV([self.pack(item, depth + 1) for item in tuple.__iter__(value)])
        if isinstance(value, list):
            return ListV([self.pack(item, depth + 1) for item in list.__iter__(value)])
        if isinstance(value, dict):
            pairs = dict.items(value)
            return DictV([(self.pack(key, depth + 1), self.pack(item, depth + 1)) for key, item in pairs])
        handle = self._handle_of(value)
        return opaque(value) if handle is None else HandleV(handle)

    def tensor(self, value: torch.Tensor) -> TensorV | OpaqueV:
        name = _NAMES.get(value.dtype)
        if name is None or value.layout is not torch.strided or value.is_quantized or value.is_nested:
            return OpaqueV("torch.Tensor", f"a {value.layout} tensor of {value.dtype}")
        shape, device = tuple(value.shape), str(value.device)
        plain = value.detach()
        if device == "meta":
            return TensorV(name, shape, device, 0, 0, value.requires_grad, tuple(value.stride()))
        strides = tuple(plain.stride()) if self.layout and not plain.is_contiguous() else None
        nbytes = plain.numel() * plain.element_size()
        if len(self.body) + nbytes > BODY_CAP:
            raise WireError(f"a tensor of shape {shape} ({nbytes:,} bytes) is larger than an answer may be")
        flat = self._span(plain, strides) if strides else plain.resolve_conj().resolve_neg().contiguous().reshape(-1)
        flat = flat.as_strided((flat.numel(),), (1,))  # a single element counts as contiguous whatever its stride
        data = flat.cpu().view(torch.uint8).numpy()
        offset = len(self.body)
        self.body += memoryview(data)  # type: ignore[arg-type]  # an ndarray has the buffer protocol
        self.body += bytes(-len(self.body) % _ALIGN)
        return TensorV(name, shape, device, offset, data.nbytes, value.requires_grad, strides)

    @staticmethod
    def _span(plain: torch.Tensor, strides: tuple[int, ...]) -> torch.Tensor:
        """The stretch of storage that a strided tensor looks into."""
        length = 1 + sum((size - 1) * step for size, step in zip(plain.shape, strides, strict=True))
        return plain.as_strided((length if plain.numel() else 0,), (1,))


def opaque(value: object) -> OpaqueV:
    """Name something that does not cross. The learner's repr may hang or lie: it runs on their side of the deadline."""
    kind = type(value)
    name = f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")
    try:
        text = repr(value)[:TEXT_CAP]
    except BaseException:
        text = "(its repr raises)"
    return OpaqueV(name[:200], text.encode("utf-8", "replace").decode())


class Unpacker:
    """Reads values back from a checked header and its body."""

    def __init__(
        self, body: bytes | bytearray, object_of: Callable[[int], object] = HandleV, *, leaves: bool = False
    ) -> None:
        self.wants: list[bool] = []  # whether each tensor, in order, took part in autograd on the other side
        self._body = body
        self._object_of = object_of
        self._leaves = leaves  # rebuild those as leaves that require grad

    def unpack(self, value: Value) -> Any:
        match value:
            case TensorV():
                return self.tensor(value)
            case ListV():
                return [self.unpack(item) for item in value.items]
            case TupleV():
                return tuple(self.unpack(item) for item in value.items)
            case DictV():
                return {self._key(key): self.unpack(item) for key, item in value.items}
            case DtypeV():
                return DTYPES.get(value.name, OpaqueV("torch.dtype", value.name))
            case HandleV():
                return self._object_of(value.handle)
            case _:
                return value

    def _key(self, key: Value) -> Any:
        if key is None or isinstance(key, bool | int | float | str):
            return key
        if isinstance(key, TupleV):
            return tuple(self._key(item) for item in key.items)
        raise WireError("a dict key that is no plain value")

    def tensor(self, value: TensorV) -> torch.Tensor:
        """A plain tensor of its own memory. Raises WireError where the sizes do not fit together."""
        plain = self._plain(value)
        wants = value.requires_grad and (plain.is_floating_point() or plain.is_complex())
        self.wants.append(wants)
        return plain.requires_grad_(wants and self._leaves)

    def _plain(self, value: TensorV) -> torch.Tensor:
        dtype = DTYPES.get(value.dtype)
        if dtype is None or len(value.shape) > 16 or any(size < 0 for size in value.shape):
            raise WireError("a tensor of unknown dtype or shape")
        if value.device == "meta":
            return torch.empty(value.shape, dtype=dtype, device="meta")
        count, size = _count(value), dtype.itemsize
        if value.nbytes != count * size or value.offset < 0 or value.offset + value.nbytes > len(self._body):
            raise WireError("a tensor whose bytes do not fit its shape")
        raw = torch.zeros(value.nbytes, dtype=torch.uint8)
        if value.nbytes:
            chunk = bytearray(self._body[value.offset : value.offset + value.nbytes])
            raw = torch.frombuffer(chunk, dtype=torch.uint8).clone()
        flat = raw.ne(0) if dtype is torch.bool else raw.view(dtype)  # a bool byte of 7 is no bool
        return flat.reshape(value.shape) if value.strides is None else flat.as_strided(value.shape, value.strides)


def _count(value: TensorV) -> int:
    count = 1
    for size in value.shape:
        count *= size
    if value.strides is None or count == 0:
        return count
    if len(value.strides) != len(value.shape) or any(step < 0 for step in value.strides):
        raise WireError("strides that do not fit the shape")
    return 1 + sum((size - 1) * step for size, step in zip(value.shape, value.strides, strict=True))


def tensors_in(value: object) -> list[torch.Tensor]:
    """All tensors of a nested value, in order."""
    if isinstance(value, torch.Tensor):
        return [value]
    if isinstance(value, list | tuple):
        return [tensor for item in value for tensor in tensors_in(item)]
    if isinstance(value, Mapping):
        return [tensor for item in value.values() for tensor in tensors_in(item)]
    return []
