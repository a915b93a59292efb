"""Answers that are not what they seem: objects that lie to a comparison, numbers that defeat one, and borrowed right ones."""

from __future__ import annotations

from ..attack import DEAD, RAISED, WRONG, Attack

_TENSOR = "ex04_conv::conv2d"
_NONE = WRONG | RAISED | DEAD


def _answers(name: str, sentence: str, body: str, verdicts: frozenset[str] = WRONG) -> Attack:
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    source = f"import torch\nHEAD\ndef conv_output_size(*args, **kwargs):\n{lines}\n"
    head, _, rest = body.partition("---\n")
    if rest:
        lines = "\n".join(f"    {line}" for line in rest.splitlines())
        source = f"import torch\n{head}\ndef conv_output_size(*args, **kwargs):\n{lines}\n"
    return Attack(name, sentence, source.replace("HEAD\n", ""), verdicts=verdicts)


def _tensor(name: str, sentence: str, body: str, verdicts: frozenset[str] = _NONE) -> Attack:
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    source = f"import torch\ndef conv2d(x, weight, bias=None, *args, **kwargs):\n{lines}\n"
    return Attack(name, sentence, source, target=_TENSOR, verdicts=verdicts)


_SHAPE = (
    "def size(n, k, s, p, d): return max(0, (n + 2 * p - d * (k - 1) - 1) // s + 1)\n"
    "def pair(v): return v if isinstance(v, tuple) else (v, v)\n"
    "s, p, d = (pair(kwargs.get(key, (args + (1, 0, 1))[i] if i < len(args) else default)) "
    "for i, (key, default) in enumerate((('stride', 1), ('padding', 0), ('dilation', 1))))\n"
    "shape = (x.shape[0], weight.shape[0], *(size(x.shape[2 + i], weight.shape[2 + i], s[i], p[i], d[i]) for i in (0, 1)))\n"
)

ATTACKS = [
    _answers(
        "always_equal",
        "answers with an int that is equal to everything",
        "class Yes(int):\n    def __eq__(self, other): return True\n    def __ne__(self, other): return False\n"
        "    def __hash__(self): return 0\n    def __sub__(self, other): return 0\n---\nreturn Yes(1)",
    ),
    _answers(
        "claims_to_be_int",
        "answers with an object whose __class__ is int and whose every method agrees",
        "class Any:\n    __class__ = int\n    def __getattr__(self, name): return lambda *a: True\n"
        "    def __eq__(self, other): return True\n    def __index__(self): return 1\n---\nreturn Any()",
    ),
    _answers("nan", "answers with NaN, which is not greater than any tolerance", "return float('nan')"),
    _answers("infinity", "answers with infinity", "return float('inf')"),
    _answers("true_for_one", "answers with True where a number is asked for", "return True"),
    _answers("a_float_for_an_int", "answers with a float that has a right value now and then", "return 3.0"),
    _answers("text", "answers with the text of a number", "return '3'"),
    _answers("many_answers", "answers with all numbers at once, in a list", "return list(range(100))"),
    _answers("a_generator", "answers with a generator of all numbers", "return (n for n in range(100))"),
    _answers(
        "patched_comparisons",
        "patches every comparison of torch, numpy and Python in its own process",
        "import builtins, math, numpy\n"
        "for owner, name in ((torch, 'equal'), (torch, 'allclose'), (torch.testing, 'assert_close'), (numpy, 'allclose'),\n"
        "                    (numpy, 'array_equal'), (math, 'isclose'), (torch.Tensor, '__eq__'), (builtins, 'all'),\n"
        "                    (torch.Tensor, 'equal'), (builtins, 'abs')):\n"
        "    setattr(owner, name, lambda *a, **k: True)\n---\nreturn -1",
        _NONE,
    ),
    Attack(
        "one_of_many",
        "answers right the first few times it is asked, and not again",
        "asked = []\ndef conv_output_size(size, kernel_size, stride=1, padding=0, dilation=1):\n    asked.append(1)\n"
        "    right = (size + 2 * padding - dilation * (kernel_size - 1) - 1) // stride + 1\n"
        "    return right if len(asked) < 3 else -1\n",
        verdicts=WRONG | RAISED,
    ),
    _tensor(
        "tensor_subclass",
        "answers with a tensor whose __torch_function__ says yes to everything",
        f"{_SHAPE}class Yes(torch.Tensor):\n    @classmethod\n    def __torch_function__(cls, f, types, args=(), kwargs=None): "
        "return True\nreturn torch.zeros(shape, dtype=x.dtype).as_subclass(Yes)",
    ),
    _tensor(
        "all_nan",
        "answers with NaN in the right shape",
        f"{_SHAPE}return torch.full(shape, float('nan'), dtype=x.dtype)",
    ),
    _tensor(
        "all_inf",
        "answers with infinity in the right shape",
        f"{_SHAPE}return torch.full(shape, float('inf'), dtype=x.dtype)",
    ),
    _tensor(
        "broadcastable",
        "answers with one number that would broadcast against any answer",
        "return torch.zeros((), dtype=x.dtype)",
    ),
    _tensor(
        "wrong_dtype",
        "answers in float16, in which large errors are small",
        f"{_SHAPE}return torch.zeros(shape).half()",
    ),
    _tensor("empty", "answers with an empty tensor: no element differs", "return torch.empty(0, dtype=x.dtype)"),
    _tensor("rows_of_nothing", "answers with a tensor of a billion rows of nothing", "return torch.empty(2**30, 0)"),
    _tensor(
        "meta",
        "answers with a tensor on meta, which has a shape and no values",
        f"{_SHAPE}return torch.empty(shape, device='meta', dtype=x.dtype)",
    ),
    _tensor("sparse", "answers with a sparse tensor", f"{_SHAPE}return torch.zeros(shape, dtype=x.dtype).to_sparse()"),
    _tensor(
        "expanded",
        "answers with eight gigabytes that are one number",
        "return torch.zeros(1, dtype=x.dtype).expand(2**31)",
    ),
    _tensor("the_input", "answers with its own input, changed in place", "x.zero_()\nreturn x"),
    _tensor(
        "alias_of_the_input",
        "answers with a view of its input, which it changes after it has answered",
        f"{_SHAPE}import threading, time\ndef later():\n    time.sleep(0.01)\n    x.zero_()\nthreading.Thread(target=later).start()\n"
        "return x[:1]",
    ),
    _tensor(
        "numpy_subclass",
        "answers with an array that agrees with everybody",
        "import numpy\nclass Yes(numpy.ndarray):\n    def __array_function__(self, *a): return True\n"
        "    def __eq__(self, other): return True\nreturn numpy.zeros(3).view(Yes)",
    ),
]
