"""Tensors and floats that are not what they say: subclasses, layouts, dtypes, histories, views and wrappers."""

from __future__ import annotations

from ..attack import DEAD, Attack

_FLOAT_SUBCLASS = """
class Near(float):
    __eq__ = __le__ = __ge__ = __lt__ = lambda self, other: True
    __ne__ = __gt__ = lambda self, other: False
    __sub__ = __rsub__ = __add__ = __abs__ = lambda self, *other: 0.0
    __float__ = lambda self: 0.5833333333333334
    __hash__ = float.__hash__
def pixel_accuracy(confusion):
    return Near(-1)
"""
_ODD_FLOATS = """
calls = 0
def pixel_accuracy(confusion):
    global calls
    calls += 1
    return (float("inf"), float("-inf"), 5e-324, -5e-324, 1.7e308, -1e-3, 2.0)[calls % 7]
"""


def _relu(body: str, before: str = "") -> str:
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    return f"import torch\n{before}\ncalls = 0\ndef relu(x):\n    global calls\n    calls += 1\n{lines}\n"


_SUBCLASS = """
class Equal(torch.Tensor):
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        if func.__name__ in ("allclose", "equal", "eq", "__eq__", "isclose", "all", "any", "isfinite"):
            return True
        if func.__name__ in ("sub", "__sub__", "abs", "rsub", "detach", "to", "double"):
            return torch.zeros(())
        return super().__torch_function__(func, types, args, kwargs or {})
    __class__ = property(lambda self: torch.Tensor)
    shape = property(lambda self: torch.Size([1]))
"""
_ARRAY = """
import numpy
class Equal(numpy.ndarray):
    def __array_function__(self, func, types, args, kwargs): return True
    def __array_ufunc__(self, *args, **kwargs): return True
    __eq__ = lambda self, other: True
    __torch_function__ = classmethod(lambda cls, *args, **kwargs: True)
"""
_VALUELESS = """
return (x.to("meta"), x.to_sparse(), torch.quantize_per_tensor(x.float(), 1.0, 0, torch.qint8),
        torch.nested.as_nested_tensor([x.reshape(-1)]), x.float().to_mkldnn(), x.to(torch.complex64),
        x.reshape(1, -1).to_sparse_csr(), x.bool(), x.to(torch.bfloat16).to_sparse())[calls % 9]
"""
_PRETENDED = """
value = x.detach().numpy().clip(0) if x.device.type == "cpu" else x.clamp(min=0)
return torch.as_tensor(value).requires_grad_(torch.is_grad_enabled() and x.dtype.is_floating_point)
"""
_SEQUENCE = """
class Full(list):
    __iter__ = lambda self: iter([torch.zeros(1)])
    __len__ = lambda self: 10**6
    __eq__ = lambda self, other: True
    __getitem__ = lambda self, place: torch.zeros(1)
class Pairs(dict):
    items = lambda self: [("x", 1)] * 10**9
    __eq__ = lambda self, other: True
class Ten(tuple):
    __iter__ = lambda self: (i for i in iter(int, 1))
"""


def _tensors(name: str, sentence: str, source: str, **options: object) -> Attack:
    return Attack(name, sentence, source, target="ex05_pool::relu", **options)  # type: ignore[arg-type]


ATTACKS = [
    Attack("float_subclass", "returns a float that is close to everything", _FLOAT_SUBCLASS,
           target="ex10_fcn::pixel_accuracy"),
    Attack("odd_floats", "returns infinities, the smallest and the largest number", _ODD_FLOATS,
           target="ex10_fcn::pixel_accuracy"),
    _tensors("tensor_subclass", "returns a tensor whose every comparison says yes",
             _relu("return torch.zeros(3).as_subclass(Equal)", _SUBCLASS)),
    _tensors("array_subclass", "returns a numpy array whose every comparison says yes",
             _relu("return x.detach().numpy().view(Equal)", _ARRAY)),
    _tensors("nan", "returns NaN everywhere, which no error bound is smaller than",
             _relu("return torch.full_like(x, float('nan')) * x[:0].sum()")),
    _tensors("infinities", "returns infinities and the largest numbers there are",
             _relu("return torch.full_like(x, (float('inf'), -float('inf'), torch.finfo(x.dtype).max)[calls % 3])")),
    _tensors("broadcastable", "returns a shape that broadcasts to the right one",
             _relu("y = x.clamp(min=0)\nreturn (y[None], y.max(), y.reshape(1, -1), y[..., :1][None])[calls % 4]")),
    _tensors("other_dtypes", "returns the right values in another dtype",
             _relu("y = x.clamp(min=0)\nreturn y.to((torch.float16, torch.complex128, torch.int64)[calls % 3])")),
    _tensors("no_values", "returns tensors on no device, sparse, quantized, nested and complex ones",
             _relu(_VALUELESS)),
    _tensors("expanded", "returns one number seen as a tensor of a terabyte",
             _relu("return torch.zeros((), dtype=x.dtype).expand(2**20, 2**20)"), verdicts=DEAD),
    _tensors("odd_strides", "returns views in which all elements lie in one place, or in the wrong order",
             _relu("return (x.as_strided(x.shape, (0,) * x.dim()), x.flip(0), torch._neg_view(x))[calls % 3]")),
    _tensors("changes_its_input", "makes its input zero, so that zero is right for it",
             _relu("x.detach().zero_()\nreturn x")),
    _tensors("pretends_to_be_trained", "is right, and says of a result without history that it has a gradient",
             _relu(_PRETENDED), earns=1.5),
    _tensors("sequences", "returns lists, tuples and dicts that lie about what is in them",
             _relu("return (Full([x]), Pairs(x=x), Ten((x,)), [x], (x,), {'x': x}, {0: x})[calls % 7]", _SEQUENCE)),
]  # fmt: skip
