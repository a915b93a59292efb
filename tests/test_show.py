"""Counterexamples: call texts that read like Python, snippets that run, values that fit and hide nothing hostile."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import math
import sys
import types

import pytest
import torch

from grader.checker.compare import Mismatch
from grader.checker.show import counterexample, literal, shown, tensor_view
from grader.learner import InProcess, Kind, Learner
from grader.worker.wire import OpaqueV

SOURCE = """
import torch
from torch import nn


def conv(x, weight, bias=None, stride=1, options=()):
    return (x * 2, weight)[0] if not isinstance(x, list) else x[0]


def trace(shape, layers):
    return [layer.get("size") for layer in layers]


class Net(nn.Module):
    def __init__(self, size, device=None):
        super().__init__()
        if size < 0:
            raise RuntimeError("no")
        self.fc = nn.Linear(size, 1, device=device)
        nn.init.ones_(self.fc.weight)
        nn.init.zeros_(self.fc.bias)
    def forward(self, x):
        return self.fc(x)


class Double(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, factor):
        ctx.factor = factor
        return x * factor
    @staticmethod
    def backward(ctx, grad):
        return grad * ctx.factor, None
"""
KINDS = {"conv": Kind.FUNCTION, "trace": Kind.FUNCTION, "Net": Kind.MODULE, "Double": Kind.AUTOGRAD}


@pytest.fixture
def module(tmp_path, monkeypatch) -> types.ModuleType:
    (tmp_path / "ex98_show.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(str(tmp_path))
    spec = importlib.util.spec_from_file_location("ex98_show", tmp_path / "ex98_show.py")
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    yield made
    sys.modules.pop("ex98_show", None)


def viewed(module, talk, cause=None):
    """The counterexample of a conversation, and what its snippet prints."""
    learner = Learner(InProcess.from_module(module), KINDS)
    case = learner.link.begin_case()
    with contextlib.suppress(Exception):
        talk(learner)
    view = counterexample("ex98_show", module, case, cause)
    assert view is not None
    return view, None if view.snippet is None else printed(view.snippet)


def printed(snippet: str) -> str:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(snippet, "<snippet>", "exec"), {})
    return out.getvalue()


X = torch.arange(1.0, 7).reshape(1, 2, 3)


@pytest.mark.parametrize(
    ("talk", "call", "output"),
    [
        (lambda c: c.conv(X, X), "conv(x, x)", "tensor([[[ 2.,  4.,  6.],"),
        (lambda c: c.conv(X, X + 1), "conv(x, weight)", "tensor([[[ 2.,"),
        (lambda c: c.conv(X, X + 1, None, 2), "conv(x, weight, None, 2)", "tensor([[[ 2.,"),
        (lambda c: c.conv(X, weight=X + 1, stride=(2, 1)), "conv(x, weight=weight, stride=(2, 1))", "tensor([[[ 2.,"),
        (lambda c: c.conv(X, X + 1, options=(X + 2,)), "conv(x, weight, options=(options_0,))", "tensor([[["),
        (lambda c: c.conv([X, X + 1], None), "conv([x_0, x_1], None)", "tensor([[[1., 2., 3.],"),
        (lambda c: c.conv(X, X, options=X.shape), "conv(x, x, options=torch.Size([1, 2, 3]))", "tensor([[["),
        (lambda c: c.conv(X, X, options=[math.nan, -math.inf]), "options=[float('nan'), float('-inf')])", "tensor([[["),
        (lambda c: c.conv(X, X, options={"0.weight": X + 1, "print": X + 2}), "{'0.weight': arg_0_weight, ", "t"),
        (lambda c: c.trace((1, 2, 3), [{"type": "conv", "size": 3}, {}]),
         "trace((1, 2, 3), [{'type': 'conv', 'size': 3}, {}])", "[3, None]"),
        (lambda c: c.Net(3)(X), "Net(3)(x)", "tensor([[[ 6.],\n         [15.]]]"),
        (lambda c: c.Net(size=3).eval()(X), "Net(size=3)(x)", "tensor([[[ 6.],"),
        (lambda c: c.Net(3).load_state_dict({"fc.weight": X[:, 0], "fc.bias": X[0, 0, :1]}),
         "Net(3).load_state_dict({'fc.weight': fc_weight, 'fc.bias': fc_bias})", "<All keys matched"),
        (lambda c: [c.Net(3), c.Net(2)][1](X[..., :2]), "Net(2)(x)", "tensor([[[3.],"),
        (lambda c: c.Net(3).state_dict(), "Net(3).state_dict()", "OrderedDict"),
        (lambda c: c.Net(3), "Net(3)", ""),
        (lambda c: c.Double.apply(X, 3), "Double.apply(x, 3)", "tensor([[[ 3.,"),
    ],
)  # fmt: skip
def test_a_call_reads_like_python_and_its_snippet_runs(module, talk, call, output):
    view, text = viewed(module, talk)

    assert call in view.call
    assert output in text


@pytest.mark.parametrize(
    ("talk", "call", "output"),
    [
        (lambda c, x: (c.conv(x, X) * X).sum().backward(), "conv(x, weight).backward(grad_out)", "[[ 2.,  4.,  6.],"),
        (
            lambda c, x: (c.Double.apply(x, 3) * X).sum().backward(),
            "Double.apply(x, 3).backward(grad_out)",
            "[ 3.,  6.,",
        ),
        (
            lambda c, x: c.Net(3)(X).sum().backward(),
            "Net(3)(x).backward(grad_out)",
            "tensor([[5., 7., 9.]]) tensor([2.])",
        ),
    ],
)
def test_a_backward_pass_is_part_of_the_snippet(module, talk, call, output):
    view, text = viewed(module, lambda learner: talk(learner, X.clone().requires_grad_()))

    assert view.call == call
    assert output in text.replace("tensor([[[", "[[") or output in text


def test_a_module_that_cannot_be_built_has_a_snippet_that_shows_it(module):
    view, _ = viewed(module, lambda c: c.Net(3))
    assert view.snippet.splitlines()[-1] == "module = Net(3)"

    learner = Learner(InProcess.from_module(module), KINDS)
    case = learner.link.begin_case()
    with contextlib.suppress(Exception):
        learner.Net(-1)
    snippet = counterexample("ex98_show", module, case, None).snippet
    with pytest.raises(RuntimeError, match="no"):
        printed(snippet)


TENSORS = {
    "contiguous": torch.arange(6.0).reshape(2, 3),
    "counting": torch.arange(1, 13).reshape(3, 4),
    "zero-dimensional": torch.tensor(3.5),
    "float64": torch.tensor([0.1, 1 / 3], dtype=torch.float64),
    "float32": torch.tensor([0.1, 1 / 3]),
    "half": torch.tensor([0.5, 2.0], dtype=torch.bfloat16),
    "bool": torch.tensor([True, False]),
    "complex": torch.tensor([1 + 2j]),
    "empty": torch.zeros(0, 3),
    "empty-1d": torch.zeros(0),
    "transposed": torch.arange(6.0).reshape(2, 3).mT,
    "sliced": torch.arange(20.0).reshape(2, 10)[:, 1::2],
    "channels-last": torch.arange(24.0).reshape(1, 2, 3, 4).contiguous(memory_format=torch.channels_last),
    "expanded": torch.tensor([[1.0], [2.0]]).expand(2, 3),
    "offset": torch.arange(9.0)[3:].reshape(2, 3).mT,
    "nan": torch.tensor([math.nan, math.inf, -math.inf, -0.0]),
    "grad": torch.ones(2, requires_grad=True),
    "strided grad": torch.arange(6.0).reshape(2, 3).mT.clone(memory_format=torch.preserve_format).requires_grad_(),
    "meta": torch.empty(2, 3, device="meta"),
}


@pytest.mark.parametrize("name", TENSORS)
def test_a_literal_makes_the_same_tensor_again(name):
    tensor = TENSORS[name]
    again = eval(literal(tensor), {"torch": torch})

    assert (again.shape, again.dtype, again.device, again.requires_grad) == (
        tensor.shape, tensor.dtype, tensor.device, tensor.requires_grad,
    )  # fmt: skip
    assert again.stride() == tensor.stride() or tensor.is_contiguous()
    if tensor.device.type != "meta":
        assert torch.equal(torch.view_as_real(again) if again.is_complex() else again.nan_to_num(7),
                           torch.view_as_real(tensor) if tensor.is_complex() else tensor.nan_to_num(7))  # fmt: skip


@pytest.mark.parametrize("name", [name for name in TENSORS if name != "complex"])
def test_a_snippet_reproduces_any_input(name, module):
    view, text = viewed(module, lambda learner: learner.conv(TENSORS[name], X))

    assert view.call == "conv(x, weight)"
    assert text.startswith("tensor(")
    assert repr(view.inputs[0][1]) == repr(tensor_view(TENSORS[name]))


def test_what_is_too_large_has_no_snippet_and_no_values(module):
    view, _ = viewed(module, lambda learner: learner.conv(torch.zeros(40, 40), X))

    assert view.snippet is None
    assert view.inputs[0][1].values is None
    assert (view.inputs[0][1].low, view.inputs[0][1].high) == (0.0, 0.0)


def test_a_state_dict_of_a_large_network_stays_short(module):
    state = {f"layer{i}.weight": torch.zeros(3, 3) for i in range(100)}
    view, _ = viewed(module, lambda learner: learner.Net(3).load_state_dict(state))

    assert len(view.call) < 700
    assert len(view.inputs) <= 24
    assert view.snippet is None


def test_names_never_collide_with_what_the_snippet_uses(module):
    view, text = viewed(
        module, lambda c: c.conv(X, X + 1, options={"torch": X + 2, "x": X + 3, "conv": X + 4, "class": X})
    )

    assert text.startswith("tensor(")
    assert len({name for name, _ in view.inputs}) == 5


def test_a_case_without_a_call_shows_nothing(module):
    learner = Learner(InProcess.from_module(module), KINDS)

    assert counterexample("ex98_show", module, learner.link.begin_case(), None) is None


def test_expected_and_got_are_shown_and_where_they_differ(module):
    want, got = torch.zeros(2, 2), torch.tensor([[0.0, 3.0], [1e-9, math.nan]])
    bad = torch.tensor([[False, True], [False, True]])
    cause = Mismatch("value", "m", want, got, "first at [0, 1]", bad)

    view, _ = viewed(module, lambda learner: learner.conv(X, X), cause)

    assert view.expected == tensor_view(want)
    assert view.where == "first at [0, 1]"
    assert view.difference.values[0] == [0.0, 3.0]
    assert view.difference.values[1][0] == 0.0
    assert math.isnan(view.difference.values[1][1])


def test_a_property_has_no_expected_value(module):
    view, _ = viewed(module, lambda learner: learner.conv(X, X), Mismatch("property", "m", X, X))

    assert view.expected is None
    assert view.got is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "None"),
        ("text", "text"),
        ([(1, 2), (3, 4)], "[(1, 2), (3, 4)]"),
        ((torch.zeros(2, 3), None), "(float32[2, 3], None)"),
        ({"a": [torch.zeros(1)]}, "{'a': [float32[1]]}"),
        ([OpaqueV("numpy.int64", "np.int64(3)")], "[<numpy.int64>]"),
        (OpaqueV("numpy.ndarray", "array([1])"), "a numpy.ndarray: array([1])"),
        (OpaqueV("a.T", "\x1b[31mred\x07\u202e"), "an a.T: \\x1b[31mred\\x07\\u202e"),
        (OpaqueV("\x1b[2Jevil.T", "x"), "a \\x1b[2Jevil.T: x"),
        (["\x1b[31m"], "['\\x1b[31m']"),
    ],
)
def test_values_are_shown_as_plain_text(value, text):
    assert shown(value) == text


def test_long_values_are_cut():
    assert len(shown(list(range(100_000)))) < 700
    assert len(shown(OpaqueV("a.T", "y" * 100_000))) < 700


def test_many_rows_of_nothing_are_not_written_out():
    view = tensor_view(torch.empty(2**40, 0))

    assert view.values is None
    assert view.shape == (2**40, 0)
    assert tensor_view(torch.empty(3, 0)).values == [[], [], []]
