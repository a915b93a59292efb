"""The reference of ex06 against torch: its own LeNet, loops written out by hand, models of torch and torchvision."""

import copy
import importlib.util
import inspect
import itertools
import random
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import nn

SOURCE = Path(__file__).resolve().parents[1] / "solutions" / "ex06_cnn.py"


@pytest.fixture(scope="module")
def ref():
    spec = importlib.util.spec_from_file_location("ex06_cnn_under_test", SOURCE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def generator(bits):
    return torch.Generator().manual_seed(bits.randrange(2**31))


def real(bits, *shape):
    return torch.rand(shape, generator=generator(bits), dtype=torch.float64) * 2 - 1


def filled(model, bits):
    """The same model in float64 with values of its own, batch statistics too."""
    model.double()
    for name, value in model.state_dict().items():
        if value.is_floating_point():
            fan_in = max(1, value[0].numel()) if value.dim() > 1 else 1
            value.copy_(real(bits, *value.shape) / fan_in**0.5)
            if name.endswith("running_var"):
                value.abs_().add_(0.5)
    return model


def conv_model(bits):
    layers = [
        nn.Conv2d(1, 2, 2),
        nn.Sequential(nn.BatchNorm2d(2), nn.ReLU(inplace=True)),
        nn.Sequential(nn.Conv2d(2, 3, 2), nn.Sequential(nn.ReLU(inplace=True), nn.Dropout(1.0))),
        nn.Flatten(),
        nn.Linear(6, 3),
    ]
    return filled(nn.Sequential(*layers), bits)


def labelled(bits, low=1, high=4):
    """A list of batches of different sizes."""
    sizes = [bits.randint(1, 4) for _ in range(bits.randint(low, high))]
    return [(real(bits, n, 1, 4, 3), torch.randint(0, 3, (n,), generator=generator(bits))) for n in sizes]


def modes(model):
    return [module.training for module in model.modules()]


def shaken(model, bits):
    """Every module in a mode of its own."""
    for module in model.modules():
        module.training = bits.random() < 0.5
    return model


def state(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


def assert_same_state(one, other):
    for name, value in other.items():
        torch.testing.assert_close(one[name], value, rtol=0, atol=1e-12)


# Net


class TorchNet(nn.Module):
    """The network of PyTorch's own tutorial ("Training a classifier"), for any number of channels and classes."""

    def __init__(self, in_channels=3, num_classes=10):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, 6, 5)
        self.pool = nn.MaxPool2d(2, 2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, num_classes)

    def forward(self, x):
        x = self.pool(F.relu(self.conv1(x)))
        x = self.pool(F.relu(self.conv2(x)))
        x = torch.flatten(x, 1)
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        return self.fc3(x)


def test_the_network_is_torch_s_with_the_same_state_dict(ref):
    bits = random.Random(1)
    for _ in range(150):
        arguments = bits.randint(1, 4), bits.randint(1, 12)
        theirs = filled(TorchNet(*arguments), bits)
        ours = ref.Net(*arguments).double()
        ours.load_state_dict(theirs.state_dict())
        assert list(ours.state_dict()) == list(theirs.state_dict())
        x = real(bits, bits.randint(1, 3), arguments[0], 32, 32)
        before = x.clone()
        with torch.no_grad():
            assert torch.equal(ours(x), theirs(x))
            assert torch.equal(ours.eval()(x), theirs(x))
        assert torch.equal(x, before)


def test_gradients_of_the_network_are_torch_s(ref):
    bits = random.Random(2)
    theirs, ours = filled(TorchNet(2, 5), bits), ref.Net(2, 5).double()
    ours.load_state_dict(theirs.state_dict())
    x, upstream = real(bits, 2, 2, 32, 32).requires_grad_(), real(bits, 2, 5)
    found = [torch.autograd.grad(net(x), [x, *net.parameters()], upstream) for net in (ours, theirs)]
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-12)


def test_the_network_has_the_lecture_s_parameters(ref):
    net = ref.Net()
    assert sum(parameter.numel() for parameter in net.parameters()) == 62_006
    assert [name for name, _ in net.named_children()] == ["conv1", "pool", "conv2", "fc1", "fc2", "fc3"]
    assert isinstance(net.pool, nn.Module)
    assert not net.pool.state_dict()


@pytest.mark.parametrize("wrong", [0, -1])
def test_the_network_refuses_numbers_below_one(ref, wrong):
    with pytest.raises(ValueError, match="in_channels"):
        ref.Net(in_channels=wrong)
    with pytest.raises(ValueError, match="num_classes"):
        ref.Net(num_classes=wrong)


# train_one_epoch


def epoch_by_hand(model, batches, lr, momentum, decay):
    """SGD as its page in PyTorch's documentation writes it, from autograd.grad alone; the losses image by image."""
    model.train()
    losses, buffers = [], {}
    parameters = {name: p for name, p in model.named_parameters() if p.requires_grad}
    for images, labels in batches:
        each = F.cross_entropy(model(images), labels, reduction="none")
        losses += each.tolist()
        grads = torch.autograd.grad(each.mean(), list(parameters.values()))
        with torch.no_grad():
            for (name, parameter), grad in zip(parameters.items(), grads, strict=True):
                grad = grad + decay * parameter
                if momentum:
                    grad = buffers[name] = momentum * buffers[name] + grad if name in buffers else grad
                parameter -= lr * grad
    return sum(losses) / len(losses)


def test_an_epoch_is_what_the_formulas_of_sgd_say(ref):
    bits = random.Random(3)
    for _ in range(250):
        ours = shaken(conv_model(bits), bits)
        for parameter in ours.parameters():
            parameter.requires_grad_(bits.random() < 0.8)
        ours[4].bias.requires_grad_(True)
        theirs, batches = copy.deepcopy(ours), labelled(bits)
        lr, momentum, decay = bits.choice([0.1, 0.5]), bits.choice([0.0, 0.9]), bits.choice([0.0, 0.1])
        if bits.random() < 0.5:  # left behind by somebody else
            for parameter in ours.parameters():
                parameter.grad = torch.ones_like(parameter) if parameter.requires_grad else None
        wanted = [parameter.requires_grad for parameter in ours.parameters()]
        optimizer = torch.optim.SGD(ours.parameters(), lr=lr, momentum=momentum, weight_decay=decay)
        got, want = ref.train_one_epoch(ours, batches, optimizer), epoch_by_hand(theirs, batches, lr, momentum, decay)
        assert type(got) is float
        assert got == pytest.approx(want, rel=1e-12)
        assert_same_state(ours.state_dict(), theirs.state_dict())
        assert all(modes(ours))
        assert [parameter.requires_grad for parameter in ours.parameters()] == wanted


def test_an_epoch_leaves_the_batches_as_they_were(ref):
    bits = random.Random(4)
    model, batches = conv_model(bits), labelled(bits, 2, 4)
    before = [(images.clone(), labels.clone()) for images, labels in batches]
    ref.train_one_epoch(model, batches, torch.optim.SGD(model.parameters(), lr=0.1))
    assert len(batches) == len(before)
    assert all(torch.equal(a, c) and torch.equal(b, d) for (a, b), (c, d) in zip(batches, before, strict=True))


def test_epochs_make_the_loss_small(ref):
    torch.manual_seed(5)
    bits = random.Random(5)
    net = ref.Net(1, 3)
    batches = [(real(bits, n, 1, 32, 32).float(), torch.arange(n) % 3) for n in (6, 6, 3)]
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
    losses = [ref.train_one_epoch(net, batches, optimizer) for _ in range(60)]
    assert losses[-1] < 0.05 < losses[0]
    assert ref.evaluate(net, batches) == 1.0


# evaluate, predict, feature_maps


def test_accuracy_and_classes_are_those_of_a_copy_in_eval_mode(ref):
    bits = random.Random(6)
    for _ in range(350):
        model, batches = shaken(conv_model(bits), bits), labelled(bits)
        before, kept = modes(model), state(model)
        quiet = copy.deepcopy(model).eval()
        scores = [quiet(images).detach() for images, _ in batches]
        right = [s[i].argmax() == label for s, (_, labels) in zip(scores, batches, strict=True)
                 for i, label in enumerate(labels)]  # fmt: skip
        got = ref.evaluate(model, batches)
        assert type(got) is float
        assert got == sum(map(int, right)) / len(right)
        classes = ref.predict(model, batches[0][0])
        assert classes.dtype == torch.int64
        assert classes.tolist() == [row.argmax().item() for row in scores[0]]
        assert modes(model) == before
        assert_same_state(model.state_dict(), kept)
        assert torch.is_grad_enabled()
        assert all(parameter.grad is None and parameter.requires_grad for parameter in model.parameters())


def maps_step_by_step(model, images):
    """conv_model's two convolutions, each on what stands before it."""
    quiet = copy.deepcopy(model).eval()
    with torch.no_grad():
        first = quiet[0](images)
        second = quiet[2][0](quiet[1](first.clone()))
    return {"0": first, "2.0": second}


def test_feature_maps_are_what_the_layers_give_one_after_the_other(ref):
    bits = random.Random(7)
    for _ in range(350):
        model, images = shaken(conv_model(bits), bits), real(bits, bits.randint(1, 3), 1, 4, 3)
        before, kept, copied = modes(model), state(model), images.clone()
        got, want = ref.feature_maps(model, images), maps_step_by_step(model, images)
        assert list(got) == list(want)
        assert all(torch.equal(got[name], want[name]) and not got[name].requires_grad for name in want)
        assert modes(model) == before
        assert_same_state(model.state_dict(), kept)
        assert not any(module._forward_hooks for module in model.modules())
        assert torch.equal(images, copied)
        assert torch.is_grad_enabled()


@pytest.mark.parametrize("where", ["resnet18", "googlenet"])
def test_feature_maps_of_torchvision_s_models(ref, where):
    extra = {"aux_logits": False, "init_weights": False} if where == "googlenet" else {}
    model = getattr(torchvision.models, where)(weights=None, num_classes=4, **extra)
    images = real(random.Random(8), 1, 3, 32, 32).float()
    convolutions = {name: module for name, module in model.named_modules() if isinstance(module, nn.Conv2d)}
    inputs = {}

    def keep(name):
        return lambda module, args: inputs.__setitem__(name, args[0].clone())

    handles = [module.register_forward_pre_hook(keep(name)) for name, module in convolutions.items()]
    maps = ref.feature_maps(model, images)
    for handle in handles:
        handle.remove()
    assert list(maps) == list(convolutions) == list(inputs)
    with torch.no_grad():
        for name, module in convolutions.items():
            assert torch.equal(maps[name], module(inputs[name]))
    assert all(modes(model))


class Failing(nn.Module):
    def forward(self, x):
        raise RuntimeError("on purpose")


def test_the_model_s_error_gets_through_and_nothing_is_left_behind(ref):
    bits = random.Random(9)
    for _ in range(100):
        model = shaken(nn.Sequential(conv_model(bits), Failing()), bits)
        model[0][0].register_forward_hook(lambda *_: None)
        before, batches = modes(model), labelled(bits)
        calls = [
            lambda model=model, batches=batches: ref.evaluate(model, batches),
            lambda model=model, batches=batches: ref.predict(model, batches[0][0]),
            lambda model=model, batches=batches: ref.feature_maps(model, batches[0][0]),
        ]
        for call in calls:
            with pytest.raises(RuntimeError, match="on purpose"):
                call()
            assert modes(model) == before
            assert torch.is_grad_enabled()
            assert [len(module._forward_hooks) for module in model.modules()].count(1) == 1
            assert sum(len(module._forward_hooks) for module in model.modules()) == 1


def test_grad_mode_stays_off_where_it_was_off(ref):
    bits = random.Random(10)
    model, batches = conv_model(bits), labelled(bits)
    with torch.no_grad():
        ref.evaluate(model, batches)
        ref.predict(model, batches[0][0])
        ref.feature_maps(model, batches[0][0])
        assert not torch.is_grad_enabled()


def test_no_batches_are_refused_and_the_model_is_left_alone(ref):
    model = shaken(conv_model(random.Random(11)), random.Random(11))
    before = modes(model)
    with pytest.raises(ValueError, match="batches"):
        ref.evaluate(model, [])
    with pytest.raises(ValueError, match="batches"):
        ref.train_one_epoch(model, [], torch.optim.SGD(model.parameters(), lr=0.1))
    assert modes(model) == before


def test_a_model_without_convolutions_has_no_maps(ref):
    assert ref.feature_maps(nn.Sequential(nn.Flatten(), nn.Linear(4, 2)), torch.ones(1, 1, 2, 2)) == {}


# The statement's code to try by hand: an example that runs across the wall could not give a function a model.


def tried(ref, task):
    """What the last expression of a task's indented code gives, and the comment behind it."""
    lines = inspect.getdoc(getattr(ref, task)).split("\n")
    start = max(number for number, line in enumerate(lines) if line.startswith("    model = "))
    block = itertools.takewhile(lambda line: line.startswith("    "), lines[start:])
    code = [line.removeprefix("    ") for line in block]
    names = {"torch": torch, "nn": nn, task: getattr(ref, task)}
    expression, comment = code[-1].split("  # ")
    exec("\n".join(code[:-1]), names)
    return eval(expression, names), comment


@pytest.mark.parametrize("task", ["train_one_epoch", "evaluate", "predict", "feature_maps"])
def test_the_code_to_try_by_hand_gives_what_it_says(ref, task):
    value, comment = tried(ref, task)
    shown = f"{value:.4f}" if isinstance(value, float) else repr(value)
    assert comment.startswith(shown)
