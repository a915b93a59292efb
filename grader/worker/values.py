"""Values to wire and back: tensors become raw bytes, everything else one of a few plain types.

Both sides use it. Coming back, a tensor is rebuilt from bytes into a plain `torch.Tensor`, so nothing that the other
side attached to it (a subclass, an `__eq__`, a hook) survives.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch

from .opaque import opaque
from .wire import BODY_CAP, DictV, DtypeV, HandleV, ListV, OpaqueV, TensorV, TupleV, Value, WireError

_CROSSING = (
    torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.complex64, torch.complex128,
    torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.bool,
)  # fmt: skip
Place = torch.device | str
Handles = Callable[[int], object]  # what a handle stands for
DTYPES = {str(dtype).removeprefix("torch."): dtype for dtype in _CROSSING}
_NAMES = {dtype: name for name, dtype in DTYPES.items()}
DEPTH_CAP = 24
ITEMS_CAP = 100_000
DIMENSIONS_CAP = 64  # PyTorch's own
EMPTY_CAP = 2**20  # rows of nothing: no byte of them has to be sent, and a list of them is long
NUMBERS_CAP = 2_000  # keys of a dict that are no text: numbers can be chosen so that all have the same hash
_ALIGN = 16


class Packer:
    """Writes values down; the tensors' bytes gather in `body`, those that require grad in `differentiable`.

    `handle_of` names objects that live in the worker (None: such objects are opaque); `layout` keeps strides, which
    belong to an input but not to an answer.
    """

    def __init__(self, handle_of: Callable[[object], int | None] = lambda _: None, *, layout: bool = False) -> None:
        self.body = bytearray()
        self.differentiable: list[torch.Tensor] = []
        self.layout = layout
        self._handle_of = handle_of
        self._items = 0

    def pack(self, value: object, depth: int = 0) -> Value:
        """The wire's form of `value`. Types are looked at exactly: a subclass of int is not an int."""
        self._items += 1
        if depth > DEPTH_CAP or self._items > ITEMS_CAP:
            raise WireError("nested too deeply or too many items")
        kind = type(value)
        if value is None or kind is bool:
            return value  # type: ignore[return-value]  # narrowed by kind
        if isinstance(value, float):  # numpy.float64 is one
            return float.__float__(value)
        if kind is int:
            return value if -(2**63) <= value < 2**63 else OpaqueV("int", "an int of more than 64 bits")  # type: ignore[operator,return-value]
        if kind is str:
            return value.encode("utf-8", "replace").decode()  # type: ignore[attr-defined,no-any-return]  # no surrogates
        if kind in (torch.Tensor, torch.nn.Parameter, torch.nn.Buffer):
            return self.tensor(value)  # type: ignore[arg-type]
        if kind is torch.dtype:
            return DtypeV(_NAMES.get(value, str(value)))  # type: ignore[call-overload]
        if isinstance(value, tuple):
            return TupleV([self.pack(item, depth + 1) for item in tuple.__iter__(value)])
        if isinstance(value, list):
            return ListV([self.pack(item, depth + 1) for item in list.__iter__(value)])
        if isinstance(value, dict):
            return DictV([(self.pack(key, depth + 1), self.pack(item, depth + 1)) for key, item in dict.items(value)])
        handle = self._handle_of(value)
        return self.other(value) if handle is None else HandleV(handle)

    def other(self, value: object) -> Value:
        """Something that does not cross."""
        return opaque(value)

    def tensor(self, value: torch.Tensor) -> TensorV | OpaqueV:
        name = _NAMES.get(value.dtype)
        if name is None or value.layout is not torch.strided or value.is_quantized or value.is_nested:
            return OpaqueV("torch.Tensor", f"a {value.layout} tensor of {value.dtype}")
        shape, device = tuple(value.shape), str(value.device)
        if value.requires_grad:
            self.differentiable.append(value)
        if device == "meta":
            return TensorV(name, shape, device, 0, 0, value.requires_grad, tuple(value.stride()))
        plain = value.detach()
        nbytes = plain.numel() * plain.element_size()
        if len(self.body) + nbytes > BODY_CAP:
            raise WireError(f"a tensor of shape {shape} ({nbytes:,} bytes) is larger than an answer may be")
        plain = plain.resolve_conj().resolve_neg()
        strides = tuple(plain.stride()) if self.layout and not plain.is_contiguous() else None
        packed = plain if strides else plain.contiguous()
        flat = packed.as_strided((_span(shape, strides),), (1,))  # reshape(-1) leaves a lone element its odd stride
        data = flat.cpu().view(torch.uint8).numpy()
        offset = len(self.body)
        self.body += memoryview(data)  # type: ignore[arg-type]  # an ndarray has the buffer protocol
        self.body += bytes(-len(self.body) % _ALIGN)
        return TensorV(name, shape, device, offset, data.nbytes, value.requires_grad, strides)


class Unpacker:
    """Reads values back from a checked header and its body. Whatever is wrong with them is a WireError."""

    def __init__(
        self, body: bytes | bytearray, object_of: Handles = HandleV, *, leaves: bool = False, home: Place = "cpu"
    ) -> None:
        self.wants: list[bool] = []  # whether each tensor, in order, took part in autograd on the other side
        self.devices: list[str] = []  # where each was over there, by that side's word
        self._body = body
        self._object_of = object_of
        self._leaves = leaves  # rebuild those as leaves that require grad
        self._home = home  # where tensors live on this side; those without values stay on meta
        self._items = 0
        self._unread = len(body)  # no byte belongs to two tensors: a small frame cannot ask for much memory

    def unpack(self, value: Value, depth: int = 0) -> Any:
        self._items += 1
        if depth > DEPTH_CAP or self._items > ITEMS_CAP:
            raise WireError("nested too deeply or too many items")
        match value:
            case TensorV():
                return self.tensor(value)
            case ListV():
                return [self.unpack(item, depth + 1) for item in value.items]
            case TupleV():
                return tuple(self.unpack(item, depth + 1) for item in value.items)
            case DictV():
                return self._dict(value, depth + 1)
            case DtypeV():
                return DTYPES.get(value.name, OpaqueV("torch.dtype", value.name))
            case HandleV():
                return self._object_of(value.handle)
            case _:
                return value

    def _dict(self, value: DictV, depth: int) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        for key, item in value.items:
            found[self._key(key, depth, len(found))] = self.unpack(item, depth)
            if len(found) > NUMBERS_CAP and not isinstance(key, str):
                raise WireError("a dict of very many keys that are no text")
        if len(found) != len(value.items):
            raise WireError("a dict that has a key twice")
        return found

    def _key(self, key: Value, depth: int, place: int) -> Any:
        """A key of plain values; any other is named, apart from its like by its place."""
        match key:
            case TupleV() if depth <= DEPTH_CAP:
                return tuple(self._key(item, depth + 1, place) for item in key.items)
            case TensorV():
                return OpaqueV("torch.Tensor", f"key {place}")
            case OpaqueV():
                return OpaqueV(key.type_name, f"{key.text} (key {place})")
            case TupleV() | ListV() | DictV():
                raise WireError("a dict key that no dict can have")
            case _:
                return self.unpack(key, depth)

    def tensor(self, value: TensorV) -> torch.Tensor:
        """A plain tensor of its own memory. Raises WireError where the sizes do not fit together."""
        dtype = DTYPES.get(value.dtype)
        if dtype is None or len(value.shape) > DIMENSIONS_CAP or any(size < 0 for size in value.shape):
            raise WireError("a tensor of unknown dtype or shape")
        try:
            plain = self._plain(value, dtype)
        except (RuntimeError, OverflowError, TypeError, ValueError, MemoryError):
            raise WireError("a tensor of an impossible size") from None
        wants = value.requires_grad and (dtype.is_floating_point or dtype.is_complex)
        self.wants.append(wants)
        self.devices.append(value.device)
        return plain.requires_grad_(wants and self._leaves)

    def _plain(self, value: TensorV, dtype: torch.dtype) -> torch.Tensor:
        length = _span(value.shape, value.strides)
        if value.device == "meta":
            return _empty(value, dtype, "meta")
        begin, end = value.offset, value.offset + value.nbytes
        if value.nbytes != length * dtype.itemsize or begin < 0 or end > len(self._body) or value.nbytes > self._unread:
            raise WireError("a tensor whose bytes do not fit its shape")
        if math.prod(value.shape) * dtype.itemsize > BODY_CAP:  # a few bytes seen many times through its strides
            raise WireError("a tensor larger than a message may be")
        if math.prod(size for size in value.shape if size) > EMPTY_CAP and not length:
            raise WireError("very many rows of nothing")
        self._unread -= value.nbytes
        plain = _empty(value, dtype, self._home)
        if length:
            raw = torch.frombuffer(bytearray(memoryview(self._body)[begin:end]), dtype=torch.uint8)
            flat = plain.as_strided((length,), (1,))
            if dtype is torch.bool:
                flat.copy_(raw.ne(0))  # a byte of 7 is no bool
            else:
                flat.view(torch.uint8).copy_(raw)
        return plain


def _empty(value: TensorV, dtype: torch.dtype, device: Place) -> torch.Tensor:
    """No view of anything: what the learner gets must look like a tensor that somebody made."""
    if value.strides is None:
        return torch.empty(value.shape, dtype=dtype, device=device)
    return torch.empty_strided(value.shape, value.strides, dtype=dtype, device=device)


def _span(shape: tuple[int, ...], strides: tuple[int, ...] | None) -> int:
    """How many elements of memory a tensor looks into."""
    if strides is None:
        return math.prod(shape)
    if len(strides) != len(shape) or any(step < 0 for step in strides):
        raise WireError("strides that do not fit the shape")
    if 0 in shape:
        return 0
    return 1 + sum((size - 1) * step for size, step in zip(shape, strides, strict=True))


def tensors_in(value: object) -> list[torch.Tensor]:
    """All tensors of a nested value, in order."""
    if isinstance(value, torch.Tensor):
        return [value]
    if isinstance(value, Mapping):
        value = list(value.values())
    return [tensor for item in value for tensor in tensors_in(item)] if isinstance(value, list | tuple) else []


def same_tensor(one: torch.Tensor | None, other: torch.Tensor | None) -> bool:
    """Whether both are the same in dtype, shape, device and value; NaN is the same as NaN."""
    if one is None or other is None:
        return one is other
    if (one.dtype, one.device, one.shape) != (other.dtype, other.device, other.shape):
        return False
    if one.device.type == "meta" or torch.equal(one, other):
        return True
    return bool(torch.all((one == other) | ((one != one) & (other != other))))
