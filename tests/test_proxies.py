"""A learner reads like the module it stands for: the same tests in this process and across a real wall."""

from __future__ import annotations

import copy
import functools
import gc
import weakref

import pytest
import torch
from torch import nn
from torch.autograd import gradcheck
from torch.func import functional_call
from wall_kit import fake, learner_of, wall

from grader.errors import LearnerDied, LearnerRaised, LearnerTodo
from grader.learner import Kind
from grader.worker.wire import Entry, HandleV, OpaqueV, Reply, TensorV

SOURCE = '''
import gc
import torch
from torch import nn
from torch.nn import functional as F


def arguments(*args, **kwargs):
    return [list(args), kwargs, list(kwargs)]

def kinds(*args):
    return [type(value).__name__ for value in args]

def double(x):
    return x * 2

def itself(x):
    return x

def first_row(x):
    return x[0]

def several(x, y):
    return x * y, {"sum": x + y, "count": 2}, [x.detach(), (y ** 2,)]

def mixed(x):
    return "words", x * 3, torch.arange(3), None, x.detach()

def sent_twice(x):
    y = x * 2
    return y, y

def with_a_subclass(x):
    class Sub(torch.Tensor):
        pass
    return (x * 5).as_subclass(Sub), x * 2

def unused(x, y):
    return x * 2

def frozen_math(x):
    return torch.is_grad_enabled(), x.requires_grad

def about(x):
    return [str(x.dtype), x.requires_grad, x.is_leaf, list(x.stride()), x._is_view()]

def change(x):
    x += 1
    return x.sum().item()

def to_meta(x):
    return x @ x.t()

def raises(x):
    raise ValueError("kernel_size must be positive")

def stub(x):
    raise NotImplementedError

def not_supported(x):
    return torch.zeros(1, device="meta").item()

def alive():
    gc.collect()
    return sum(type(thing) is Affine for thing in gc.get_objects())

def run(net, x, times=1):
    for _ in range(times):
        x = net(x)
    return x

def train_a_step(net, x):
    optimizer = torch.optim.SGD(net.parameters(), lr=0.5)
    net.train()
    net(x).sum().backward()
    optimizer.step()
    return 0.0

def give_back(net):
    return net

def make_one():
    return nn.ReLU()


class Affine(nn.Module):
    """A parameter, a bias that may be missing, a buffer, a plain attribute, a property."""

    def __init__(self, features, bias=True):
        super().__init__()
        self.weight = nn.Parameter(torch.arange(1.0, features + 1))
        if bias:
            self.bias = nn.Parameter(torch.zeros(features))
        else:
            self.register_parameter("bias", None)
        self.register_buffer("calls", torch.tensor(0))
        self.register_buffer("scratch", torch.zeros(2), persistent=False)
        self.features = features
        self.pool = nn.MaxPool2d(2)
        self.shortcut = None
        self.register_module("empty", None)

    @property
    def twice(self):
        return 2 * self.features

    def forward(self, x):
        self.calls += 1
        y = self.weight * x
        return y if self.bias is None else y + self.bias


class Conv2d(nn.Module):
    def __init__(self, i, o, k, stride=1, dtype=None):
        super().__init__()
        g = torch.Generator().manual_seed(1)
        self.weight = nn.Parameter(torch.randn(o, i, k, k, generator=g).to(dtype or torch.float32))
        self.bias = nn.Parameter(torch.randn(o, generator=g).to(dtype or torch.float32))
        self.stride = stride

    def forward(self, x):
        return F.conv2d(x, self.weight, self.bias, self.stride)


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, 2, 1, bias=False), nn.BatchNorm2d(2), nn.ReLU())
        self.head = nn.ModuleDict({"out": nn.Linear(2, 1)})

    def forward(self, x):
        return self.head["out"](self.body(x).mean((2, 3)))


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(2, 2, bias=False)
        self.b = nn.Linear(2, 2, bias=False)
        self.b.weight = self.a.weight

    def forward(self, x):
        return self.b(self.a(x))


class Plain(nn.Module):
    def forward(self, x, scale=2):
        return {"y": x * scale, "mode": self.training}


class Running(nn.Module):
    """Replaces its buffer, twice a call: the second may well be where the first one was."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.zeros(1))

    def forward(self, x):
        for _ in range(2):
            self.mean = self.mean * 1.0 + x
        return x


class Hidden(nn.Module):
    """Changes its buffer through .data, which leaves no trace in the version."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.zeros(1))
        self.weight = nn.Parameter(torch.tensor([float("nan")]))

    def forward(self, x):
        self.mean.data.copy_(x)
        return x


class NoModule:
    pass


class Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, scale):
        ctx.save_for_backward(x)
        ctx.scale = scale
        return scale * x * x

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return 2 * ctx.scale * x * grad, None


class Wrong(Square):
    @staticmethod
    def backward(ctx, grad):
        return grad, None
'''
FUNCTIONS = [line[4 : line.index("(")] for line in SOURCE.splitlines() if line.startswith("def ")]
KINDS = dict.fromkeys(FUNCTIONS, Kind.FUNCTION)
KINDS |= dict.fromkeys(["Affine", "Conv2d", "Block", "Tied", "Plain", "Running", "Hidden", "NoModule"], Kind.MODULE)
KINDS |= dict.fromkeys(["Square", "Wrong"], Kind.AUTOGRAD)


@functools.cache
def learner_by_name(name: str):
    return learner_of(wall(SOURCE) if name == "across the wall" else fake(SOURCE), **KINDS)


@pytest.fixture(params=["in this process", "across the wall"])
def learner(request):
    """Shared by all tests: none may leave anything behind."""
    return learner_by_name(request.param)


@pytest.fixture(scope="module", autouse=True)
def _close_shared():
    torch.set_num_threads(1)
    yield
    if learner_by_name.cache_info().currsize:
        learner_by_name("across the wall").link.session.close()


def leaf(*values, dtype=torch.float32):
    return torch.tensor(values, dtype=dtype, requires_grad=True)


# Functions.


def test_arguments_arrive_as_they_were_given(learner):
    args, kwargs, order = learner.arguments(1, (2.5, None), [True], z="z", a={"k": (1,)})

    assert args == [1, (2.5, None), [True]]
    assert kwargs == {"z": "z", "a": {"k": (1,)}}
    assert order == ["z", "a"]


def test_argument_types_are_plain_over_there(learner):
    assert learner.kinds(torch.ones(1), nn.Parameter(torch.ones(1)), torch.Size([1]), torch.float32, True) == [
        "Tensor",
        "Tensor",
        "tuple",
        "dtype",
        "bool",
    ]


def test_something_that_cannot_be_sent_is_the_checks_mistake(learner):
    with pytest.raises(TypeError, match="a check cannot send a ReLU"):
        learner.double(nn.ReLU())


def test_an_input_looks_like_a_tensor_that_somebody_made(learner):
    x = torch.arange(6.0).reshape(2, 3).t().requires_grad_() * 1

    assert learner.about(x) == ["torch.float32", True, True, [1, 3], False]


def test_a_change_of_an_input_stays_over_there(learner):
    x = torch.zeros(3)

    assert learner.change(x) == 3
    assert x.tolist() == [0, 0, 0]


def test_echo_shows_what_the_call_did_to_its_arguments(learner):
    value, args, kwargs = learner.echo(learner.change, torch.zeros(2))

    assert value == 2
    assert args[0].tolist() == [1, 1]
    assert kwargs == {}


def test_operations_are_counted(learner):
    assert learner.count_ops(learner.double, torch.ones(2))[1] == 1
    assert learner.count_ops(learner.itself, torch.ones(2))[1] == 0


def test_a_meta_tensor_goes_both_ways(learner):
    got = learner.to_meta(torch.empty(3, 5, device="meta"))

    assert (got.device.type, got.shape) == ("meta", (3, 3))


def test_an_exception_over_there_says_what_it_was(learner):
    with pytest.raises(LearnerRaised) as caught:
        learner.raises(1)

    assert caught.value.type_name == "ValueError"
    assert caught.value.text == "kernel_size must be positive"
    assert "ValueError" in caught.value.bases
    assert "raise ValueError" in SOURCE.splitlines()[caught.value.line - 1]


def test_a_stub_is_not_written_yet(learner):
    with pytest.raises(LearnerTodo, match="not written"):
        learner.stub(1)


def test_what_pytorch_does_not_implement_is_no_stub(learner):
    with pytest.raises(LearnerRaised):
        learner.not_supported(1)


def test_a_name_that_is_no_task_is_the_checks_mistake(learner):
    with pytest.raises(AttributeError, match="no task"):
        learner.nothing  # noqa: B018


def test_a_module_that_is_none_is_told_so(learner):
    with pytest.raises(LearnerRaised, match=r"has to be a torch\.nn\.Module"):
        learner.NoModule()


def test_a_module_that_somebody_made_over_there_crosses_by_name(learner):
    assert learner.make_one() == OpaqueV("torch.nn.modules.activation.ReLU", "ReLU()")


# Gradients.


def test_gradients_reach_the_inputs_with_the_upstream_given(learner):
    x, y = leaf(1, 2), leaf(3, 4)
    out = learner.several(x, y)
    torch.autograd.backward([out[0], out[1]["sum"], out[2][1][0]], [torch.tensor([1.0, 10.0])] * 3)

    assert x.grad.tolist() == [3 + 1, 40 + 10]
    assert y.grad.tolist() == [1 + 1 + 6, 20 + 10 + 80]
    assert out[1]["count"] == 2
    assert not out[2][0].requires_grad
    assert isinstance(out, tuple)


def test_one_of_several_outputs_is_enough(learner):
    x = leaf(1, 2)
    learner.several(x, torch.tensor([3.0, 4.0]))[1]["sum"].sum().backward()

    assert x.grad.tolist() == [1, 1]


def test_outputs_that_take_no_part_in_autograd_are_left_alone(learner):
    x = leaf(1)
    words, y, integers, nothing, detached = learner.mixed(x)
    y.backward()

    assert (words, integers.tolist(), nothing) == ("words", [0, 1, 2], None)
    assert not detached.requires_grad
    assert x.grad.item() == 3


def test_the_same_output_twice_counts_twice(learner):
    x = leaf(1)
    a, b = learner.sent_twice(x)
    (a + 10 * b).backward()

    assert x.grad.item() == 22


def test_an_output_that_does_not_cross_does_not_disturb_the_others(learner):
    x = leaf(1)
    _, y = learner.with_a_subclass(x)
    y.backward()

    assert x.grad.item() == 2


def test_an_output_that_is_the_input_itself_passes_the_gradient_on(learner):
    x = leaf(1, 2)
    (learner.itself(x) * torch.tensor([3.0, 4.0])).sum().backward()

    assert x.grad.tolist() == [3, 4]


def test_an_output_that_is_a_view_of_the_input_passes_the_gradient_on(learner):
    x = torch.ones(2, 2, requires_grad=True)
    learner.first_row(x).sum().backward()

    assert x.grad.tolist() == [[1, 1], [0, 0]]


def test_the_gradient_flows_on_to_what_made_the_input(learner):
    x = leaf(1, 2)
    y = learner.double(x * 3)
    learner.double(y).sum().backward()

    assert x.grad.tolist() == [12, 12]


def test_an_input_inside_a_list_or_a_keyword_gets_its_gradient(learner):
    x, y = leaf(1), leaf(2)
    args, kwargs, _ = learner.arguments([x], k={"y": y})
    (args[0][0] * 5 + kwargs["k"]["y"] * 7).backward()

    assert (x.grad.item(), y.grad.item()) == (5, 7)


def test_an_unused_input_has_no_gradient(learner):
    x, y = leaf(1), leaf(2)
    out = learner.unused(x, y)

    assert torch.autograd.grad(out, [x, y], allow_unused=True)[1] is None


def test_a_graph_can_be_used_again_where_it_is_retained(learner):
    x = leaf(3)
    y = learner.double(x)
    y.backward(retain_graph=True)
    y.backward()

    assert x.grad.item() == 4


def test_two_graphs_can_be_in_flight(learner):
    x, y = leaf(1), leaf(2)
    one, other = learner.Square.apply(x, 1), learner.Square.apply(y, 10)
    other.backward()
    one.backward()

    assert (x.grad.item(), y.grad.item()) == (2, 40)


def test_no_grad_here_is_no_grad_there(learner):
    x = leaf(1)
    with torch.no_grad():
        assert learner.frozen_math(x) == (False, True)
        assert not learner.double(x).requires_grad
    assert learner.frozen_math(x) == (True, True)


def test_a_hook_of_ours_sees_the_gradient(learner):
    x, seen = leaf(1), []
    y = learner.double(x)
    y.register_hook(seen.append)
    (y * 5).backward()

    assert [grad.item() for grad in seen] == [5]


def test_gradients_keep_the_dtype(learner):
    x = leaf(1, dtype=torch.float64)
    learner.double(x).backward()

    assert x.grad.dtype is torch.float64


def test_a_complex_input_gets_a_complex_gradient(learner):
    x = torch.tensor([1 + 2j], requires_grad=True)
    learner.double(x).abs().sum().backward()
    want = torch.tensor([1 + 2j], requires_grad=True)
    (want * 2).abs().sum().backward()

    assert torch.equal(x.grad, want.grad)


def test_an_autograd_function_runs_its_own_backward(learner):
    x = leaf(3, dtype=torch.float64)
    learner.Wrong.apply(x, 2).backward()

    assert x.grad.item() == 1
    assert gradcheck(lambda x: learner.Square.apply(x, 2), (leaf(1, -2, 0.5, dtype=torch.float64),))


def test_gradcheck_catches_a_wrong_backward(learner):
    assert not gradcheck(
        lambda x: learner.Wrong.apply(x, 2), (leaf(1, -2, dtype=torch.float64),), raise_exception=False
    )


def test_backward_of_a_failing_kind_is_the_learners_exception(learner):
    x = leaf(1)
    y = learner.double(x)
    with pytest.raises(LearnerRaised):
        learner.link.backward(10**6, [torch.ones(1)], [y])


# Modules.


def test_a_module_has_its_parameters_and_buffers(learner):
    net = learner.Affine(3)

    assert [name for name, _ in net.named_parameters()] == ["weight", "bias"]
    assert [name for name, _ in net.named_buffers()] == ["calls", "scratch"]
    assert list(net.state_dict()) == ["weight", "bias", "calls"]
    assert net.weight.tolist() == [1, 2, 3]
    assert isinstance(net.weight, nn.Parameter)


def test_a_bias_that_is_none_is_none(learner):
    net = learner.Affine(2, bias=False)

    assert net.bias is None
    assert list(net.state_dict()) == ["weight", "calls"]
    assert len(list(net.parameters())) == 1


def test_plain_attributes_properties_and_submodules_can_be_read(learner):
    net = learner.Affine(2)

    assert (net.features, net.twice, net.shortcut, net.empty) == (2, 4, None, None)
    assert net.pool.type_name == "torch.nn.modules.pooling.MaxPool2d"
    assert not hasattr(net, "nothing_of_that_name")


def test_nested_names_are_those_of_pytorch(learner):
    net = learner.Block()
    names = ["body.0.weight", "body.1.weight", "body.1.bias", "head.out.weight", "head.out.bias"]

    assert [name for name, _ in net.named_parameters()] == names
    assert net.body._modules["0"].weight.shape == (2, 1, 1, 1)
    assert "body.1.running_mean" in net.state_dict()


def test_gradients_reach_inputs_and_parameters(learner):
    net, x = learner.Affine(2), leaf(3, 4)
    (net(x) * torch.tensor([1.0, 10.0])).sum().backward()

    assert x.grad.tolist() == [1, 20]
    assert net.weight.grad.tolist() == [3, 40]
    assert net.bias.grad.tolist() == [1, 10]


def test_gradients_add_up_over_calls_and_zero_grad_clears_them(learner):
    net = learner.Affine(1)
    for _ in range(2):
        net(torch.ones(1)).backward()
    assert net.weight.grad.item() == 2
    net.zero_grad()

    assert net.weight.grad is None


def test_a_frozen_parameter_gets_no_gradient_and_the_others_do(learner):
    net = learner.Affine(1)
    net.weight.requires_grad_(False)
    net(torch.ones(1)).backward()

    assert net.weight.grad is None
    assert net.bias.grad.item() == 1


@pytest.mark.parametrize("optimizer", [torch.optim.SGD, torch.optim.Adam])
def test_an_optimizer_of_ours_trains_it(learner, optimizer):
    net, local = learner.Conv2d(1, 2, 2), nn.Conv2d(1, 2, 2)
    local.load_state_dict(net.state_dict())
    x = torch.arange(9.0).reshape(1, 1, 3, 3) / 9
    for model in (net, local):
        steps = optimizer(model.parameters(), lr=0.1)
        for _ in range(3):
            steps.zero_grad()
            model(x).square().mean().backward()
            steps.step()

    torch.testing.assert_close(dict(net.named_parameters()), dict(local.named_parameters()))
    torch.testing.assert_close(net.state_dict(), dict(local.state_dict()))


def test_a_state_dict_loads(learner):
    net = learner.Affine(2)
    state = {"weight": torch.tensor([7.0, 8.0]), "bias": torch.ones(2), "calls": torch.tensor(5)}
    keys = net.load_state_dict(state)

    assert (keys.missing_keys, keys.unexpected_keys) == ([], [])
    assert net(torch.ones(2)).tolist() == [8, 9]
    assert net.weight.tolist() == [7, 8]
    assert net.calls.item() == 6


def test_a_state_dict_that_does_not_fit_is_refused_like_in_pytorch(learner):
    net = learner.Affine(2)
    with pytest.raises(LearnerRaised, match="Missing key"):
        net.load_state_dict({"weight": torch.ones(2)})
    with pytest.raises(LearnerRaised, match="size mismatch") as caught:
        net.load_state_dict({"weight": torch.ones(3)}, strict=False)

    assert "RuntimeError" in caught.value.bases


def test_a_state_dict_that_need_not_fit_says_what_it_lacks(learner):
    keys = learner.Affine(2).load_state_dict({"weight": torch.ones(2), "more": torch.ones(1)}, strict=False)

    assert sorted(keys.missing_keys) == ["bias", "calls"]
    assert keys.unexpected_keys == ["more"]


def test_buffers_change_over_there_and_here(learner):
    net, local = learner.Block(), nn.BatchNorm2d(2)
    x = torch.arange(8.0).reshape(2, 1, 2, 2)
    net.train()
    net(x)
    local(torch.nn.functional.conv2d(x, net.body._modules["0"].weight))
    mirror = net.body._modules["1"]

    torch.testing.assert_close(mirror.running_mean, local.running_mean)
    torch.testing.assert_close(mirror.running_var, local.running_var)
    assert mirror.num_batches_tracked.item() == 1


def test_train_and_eval_go_over(learner):
    net = learner.Plain()

    assert net.training
    assert net(torch.ones(1))["mode"] is True
    assert net.eval() is net
    assert not net.training
    assert net(torch.ones(1))["mode"] is False
    assert net.train(True).training


def test_batch_norm_in_eval_mode_leaves_its_buffers(learner):
    net = learner.Block().eval()
    before = net.state_dict()
    net(torch.ones(1, 1, 2, 2))

    torch.testing.assert_close(net.state_dict(), before, rtol=0, atol=0)


def test_a_buffer_that_is_replaced_is_seen(learner):
    net = learner.Running()
    for total in (2, 4, 6):
        net(torch.ones(1))
        assert net.mean.item() == total


def test_a_change_through_data_is_seen_there_and_here(learner):
    net = learner.Hidden()
    net(torch.tensor([5.0]))
    assert net.mean.item() == 5
    net.mean.data.fill_(6)

    assert net.state_dict()["mean"].item() == 6


def test_a_parameter_that_is_nan_is_not_sent_again_and_again(learner):
    net = learner.Hidden()
    before = len(learner.link.case.exchanges)
    net(torch.ones(1))

    assert len(learner.link.case.exchanges) == before + 1


def test_shared_weights_are_one_parameter(learner):
    net, x = learner.Tied(), torch.ones(1, 2)
    assert [name for name, _ in net.named_parameters()] == ["a.weight"]
    assert net.a.weight is net.b.weight
    with torch.no_grad():
        net.a.weight.copy_(torch.eye(2) * 3)
    net(x).sum().backward()

    assert net(x).tolist() == [[9, 9]]
    assert net.a.weight.grad.tolist() == [[6, 6], [6, 6]]


def test_a_module_without_parameters_works(learner):
    net, x = learner.Plain(), leaf(2)
    net(x, scale=5)["y"].backward()

    assert list(net.parameters()) == []
    assert net.state_dict() == {}
    assert x.grad.item() == 5


def test_hooks_of_ours_run(learner):
    net, seen = learner.Affine(1), []
    handle = net.register_forward_hook(lambda module, args, out: seen.append(out.item()))
    net(torch.ones(1))
    handle.remove()
    net(torch.ones(1))

    assert seen == [1]


def test_it_can_be_part_of_a_module_of_ours(learner):
    net = nn.Sequential(nn.Flatten(), learner.Affine(2))
    net(torch.ones(1, 2)).sum().backward()

    assert "1.weight" in net.state_dict()
    assert net[1].weight.grad.tolist() == [1, 1]
    assert not net.eval()[1].training


def test_double_makes_it_double_over_there_too(learner):
    net = learner.Conv2d(1, 1, 2).double()
    got = net(torch.ones(1, 1, 2, 2, dtype=torch.float64))

    assert got.dtype is torch.float64
    assert net.weight.dtype is torch.float64
    assert net.state_dict()["weight"].dtype is torch.float64


def test_moved_to_another_device_it_is_there_over_there_too(learner):
    net = learner.Affine(2).to("meta")

    assert net(torch.ones(1, 2, device="meta")).device.type == "meta"
    assert {value.device.type for value in (*net.parameters(), *net.state_dict().values())} == {"meta"}
    with pytest.raises(LearnerRaised, match="device"):
        net(torch.ones(1, 2))


def test_gradcheck_passes_for_input_and_parameters(learner):
    net = learner.Conv2d(2, 2, 2, stride=2, dtype=torch.float64)
    x = torch.linspace(-1, 1, 24, dtype=torch.float64).reshape(1, 2, 3, 4).requires_grad_()
    names = [name for name, _ in net.named_parameters()]
    values = [torch.rand_like(p, requires_grad=True) for p in net.parameters()]

    def forward(x, *parameters):
        return functional_call(net, dict(zip(names, parameters, strict=True)), (x,))

    assert gradcheck(forward, (x, *values))


def test_backward_uses_the_parameters_of_its_own_forward(learner):
    net, x = learner.Affine(1), leaf(1)
    y = functional_call(net, {"weight": torch.tensor([5.0])}, (x,))
    assert net(torch.ones(1)).item() == 1  # with its own weight again
    y.backward()

    assert x.grad.item() == 5
    assert net(torch.ones(1)).item() == 1


def test_two_calls_of_one_module_in_flight(learner):
    net, one, other = learner.Affine(1), leaf(2), leaf(3)
    first, second = net(one), net(other)
    second.backward()
    first.backward()

    assert net.weight.grad.item() == 5
    assert (one.grad.item(), other.grad.item()) == (1, 1)


def test_a_module_can_be_the_argument_of_a_function(learner):
    net, x = learner.Affine(2), leaf(1, 1)
    with torch.no_grad():
        net.weight.fill_(3)
    learner.run(net, x, times=2).sum().backward()

    assert x.grad.tolist() == [9, 9]
    assert net.weight.grad.tolist() == [6, 6]
    assert net.calls.item() == 2


def test_what_a_function_does_to_a_module_is_seen_here(learner):
    net = learner.Affine(1).eval()
    learner.train_a_step(net, torch.ones(1))

    assert net.weight.item() == 0.5
    assert net.bias.item() == -0.5
    assert net.training


def test_a_module_that_comes_back_is_known_by_its_handle(learner):
    net = learner.Affine(1)

    assert learner.give_back(net) == HandleV(net.remote_handle)


def test_a_copy_is_refused_with_a_reason(learner):
    with pytest.raises(TypeError, match="load the state_dict"):
        copy.deepcopy(learner.Affine(1))


def test_what_nobody_holds_any_longer_is_forgotten_over_there(learner):
    for _ in range(500):
        x = leaf(1)
        learner.Affine(1)(x).backward()
    gc.collect()

    assert learner.alive() < 100


def test_a_module_leaves_no_cycle_behind_here(learner):
    net = learner.Affine(1)
    net(leaf(1)).backward()
    gone = weakref.ref(net)
    learner.link.begin_case()
    del net

    assert gone() is None


# States that the learner's code made up.


class Forger:
    """Answers a construction with whatever state it was given."""

    generation, impatient, device = 1, False, "cpu"

    def __init__(self, entries):
        self.entries = entries

    def request(self, request, body=b""):
        return Reply(1, state=self.entries), bytearray(16)

    def take_output(self):
        return ""


def entry(name, kind="p", dtype="float32", nbytes=4):
    return Entry(name, kind, TensorV(dtype, (1,), "cpu", 0, nbytes))


@pytest.mark.parametrize(
    "entries",
    [
        [entry("a." * 2_000_000 + "b")],
        [entry("w")] * 30_000,
        [entry("w", dtype="int64", nbytes=8)] * 3,
        [entry("w", nbytes=400)],
        [entry(f"w{i}") for i in range(10)],
    ],
    ids=["an endless name", "endless entries", "more than it brings", "bytes past the end", "the same bytes ten times"],
)
def test_a_state_that_no_module_has_is_refused(entries):
    with pytest.raises(LearnerDied, match="cannot be read"):
        learner_of(Forger(entries), Affine=Kind.MODULE).Affine(1)
