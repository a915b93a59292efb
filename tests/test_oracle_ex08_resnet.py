"""The reference of ex08 against torchvision's networks and blocks, and against gradients taken by the book."""

import copy
import importlib.util
import math
import random
import re
import textwrap
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import nn
from torchvision.models import resnet as theirs

SOURCE = Path(__file__).resolve().parents[1] / "solutions" / "ex08_resnet.py"
BLOCKS = pytest.mark.parametrize("name", ["BasicBlock", "Bottleneck", "PlainBlock"])
NETWORKS = pytest.mark.parametrize(
    ("kind", "layers", "name", "parameters"),
    [
        ("basic", [2, 2, 2, 2], "resnet18", 11_689_512),
        ("basic", [3, 4, 6, 3], "resnet34", 21_797_672),
        ("bottleneck", [3, 4, 6, 3], "resnet50", 25_557_032),
    ],
)


@pytest.fixture(scope="module")
def ref():
    spec = importlib.util.spec_from_file_location("ex08_resnet_under_test", SOURCE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def real(bits, *shape, dtype=torch.float64):
    generator = torch.Generator().manual_seed(bits.randrange(2**31))
    return (torch.rand(shape, generator=generator, dtype=torch.float64) * 2 - 1).to(dtype)


def stirred(module, bits):
    """The same module with other values in it: scales of both signs, offsets, statistics as no layer begins with."""
    with torch.no_grad():
        for name, value in module.state_dict().items():
            if name.endswith("num_batches_tracked"):
                value.fill_(bits.randrange(9))
            elif name.endswith("running_var"):
                value.copy_(1 + 0.6 * real(bits, *value.shape))
            elif value.dim() > 1:
                value.copy_(real(bits, *value.shape) * math.sqrt(4 / math.prod(value.shape[1:])))
            else:
                value.copy_(1.5 * real(bits, *value.shape))
    return module


def block_of_torchvision(name, ins, width, stride):
    if name == "PlainBlock":
        return Plain(ins, width, stride)
    kind = getattr(theirs, name)
    outs = width * kind.expansion
    projection = None
    if stride != 1 or ins != outs:
        projection = nn.Sequential(theirs.conv1x1(ins, outs, stride), nn.BatchNorm2d(outs))
    return kind(ins, width, stride, projection)


class Plain(nn.Module):
    """Not in torchvision; its BasicBlock, with 0 for the shortcut."""

    def __init__(self, ins, outs, stride):
        super().__init__()
        block = theirs.BasicBlock(ins, outs, stride)
        for name, part in block.named_children():
            self.add_module(name, part)
        block.downsample = lambda x: 0
        self.whole = [block]  # in a list: its weights are ours already

    def forward(self, x):
        return self.whole[0](x)


def pair(ref, name, bits, dtype):
    """Ours and torchvision's with the same values, and an input, in one mode."""
    ins, width, stride = bits.randint(1, 8), bits.randint(1, 3), bits.randint(1, 3)
    if bits.random() < 0.4:
        ins, stride = width * (4 if name == "Bottleneck" else 1), 1
    ours = stirred(getattr(ref, name)(ins, width, stride), bits).to(dtype)
    other = block_of_torchvision(name, ins, width, stride).to(dtype)
    other.load_state_dict(ours.state_dict())
    train = bits.random() < 0.5
    smallest = 2 if train else 1
    size = (bits.randint(smallest, 9), bits.randint(smallest, 9))
    x = real(bits, bits.randint(smallest, 3), ins, *size, dtype=dtype)
    if name == "PlainBlock":
        other.whole[0].train(train)
    return ours.train(train), other.train(train), x


@BLOCKS
def test_blocks_give_what_torchvision_s_give_and_move_the_same_statistics(ref, name):
    bits = random.Random(1)
    for _ in range(1000):
        ours, other, x = pair(ref, name, bits, bits.choice([torch.float32, torch.float64]))
        before = x.clone()
        with torch.no_grad():
            got, want = ours(x), other(x)
        assert torch.equal(got, want)
        assert torch.equal(x, before)
        for one, two in zip(ours.state_dict().values(), other.state_dict().values(), strict=True):
            assert torch.equal(one, two)


@BLOCKS
def test_gradients_of_blocks_are_those_of_torchvision_s(ref, name):
    bits = random.Random(2)
    for _ in range(150):
        ours, other, x = pair(ref, name, bits, torch.float64)
        found = []
        for block in (ours, other):
            leaf = x.clone().requires_grad_()
            out = block(leaf)
            upstream = real(random.Random(3), *out.shape)
            found.append(torch.autograd.grad(out, [leaf, *dict(sorted(block.named_parameters())).values()], upstream))
        for one, two in zip(*found, strict=True):
            torch.testing.assert_close(one, two, rtol=0, atol=1e-9)


@BLOCKS
def test_blocks_pass_gradcheck(ref, name):
    bits = random.Random(4)
    block = stirred(getattr(ref, name)(2, 1, 2).double(), bits).eval()
    values = {key: value.detach().clone().requires_grad_() for key, value in block.named_parameters()}

    def forward(x, *given):
        return torch.func.functional_call(block, dict(zip(values, given, strict=True)), (x,))

    assert torch.autograd.gradcheck(forward, (real(bits, 1, 2, 4, 3).requires_grad_(), *values.values()))


@BLOCKS
def test_blocks_have_a_projection_exactly_where_the_shape_changes(ref, name):
    factor = 4 if name == "Bottleneck" else 1
    for ins in range(1, 9):
        for width in (1, 2):
            for stride in (1, 2):
                block = getattr(ref, name)(ins, width, stride)
                names = {key.split(".")[0] for key in block.state_dict()}
                changes = stride != 1 or ins != factor * width
                assert ("downsample" in names) == (changes and name != "PlainBlock")
                if name != "PlainBlock":
                    assert (block.downsample is None) == (not changes)
                assert block(torch.ones(2, ins, 5, 4)).shape == (2, factor * width, -(-5 // stride), -(-4 // stride))


@BLOCKS
@pytest.mark.parametrize("wrong", [0, -1, -4])
def test_blocks_refuse_channels_and_strides_below_one(ref, name, wrong):
    second = "width" if name == "Bottleneck" else "out_channels"
    for place, argument in enumerate(("in_channels", second, "stride")):
        arguments = [wrong if i == place else 2 for i in range(3)]
        with pytest.raises(ValueError, match=argument):
            getattr(ref, name)(*arguments)


# ResNet


@NETWORKS
def test_a_state_dict_of_torchvision_loads_and_gives_the_same_outputs(ref, kind, layers, name, parameters):
    bits = random.Random(5)
    other = stirred(torchvision.models.get_model(name, weights=None), bits)
    ours = ref.ResNet(kind, layers)
    assert sum(parameter.numel() for parameter in ours.parameters()) == parameters
    assert {key: value.shape for key, value in ours.state_dict().items()} == {
        key: value.shape for key, value in other.state_dict().items()
    }
    ours.load_state_dict(other.state_dict())
    for train, shape in [(False, (1, 3, 64, 64)), (False, (2, 3, 47, 66)), (True, (2, 3, 64, 48))]:
        x = real(bits, *shape, dtype=torch.float32)
        with torch.no_grad():
            assert torch.equal(ours.train(train)(x), other.train(train)(x))
    for key, value in other.state_dict().items():
        assert torch.equal(ours.state_dict()[key], value), key


@pytest.mark.parametrize(("kind", "block"), [("basic", theirs.BasicBlock), ("bottleneck", theirs.Bottleneck)])
def test_other_depths_channels_and_classes(ref, kind, block):
    bits = random.Random(6)
    for layers in ([1, 1, 1, 1], (3, 1, 2, 1)):
        other = theirs.ResNet(block, layers, num_classes=7)
        other.conv1 = nn.Conv2d(2, 64, 7, 2, 3, bias=False)
        other = stirred(other.double(), bits).eval()
        ours = ref.ResNet(kind, layers, num_classes=7, in_channels=2).double().eval()
        ours.load_state_dict(other.state_dict())
        for size in [(32, 32), (9, 15), (1, 1), (33, 70)]:
            x = real(bits, 2, 2, *size)
            with torch.no_grad():
                assert torch.equal(ours(x), other(x))


def test_gradients_of_a_network_are_those_of_torchvision_s(ref):
    bits = random.Random(7)
    other = stirred(theirs.ResNet(theirs.Bottleneck, [1, 2, 1, 1], num_classes=3).double(), bits)
    ours = ref.ResNet("bottleneck", [1, 2, 1, 1], num_classes=3).double()
    ours.load_state_dict(other.state_dict())
    x = real(bits, 2, 3, 64, 40)
    grads = []
    for net in (ours, other):
        F.cross_entropy(net(x), torch.tensor([2, 0])).backward()
        grads.append({name: parameter.grad for name, parameter in net.named_parameters()})
    for name, value in grads[1].items():
        torch.testing.assert_close(grads[0][name], value, rtol=1e-9, atol=1e-9)


def test_the_parts_have_their_names_and_no_block_is_there_twice(ref):
    net = ref.ResNet("basic", [2, 3, 1, 1])
    names = ["conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4", "avgpool", "fc"]
    assert [name for name, _ in net.named_children()] == names
    assert [len(layer) for layer in (net.layer1, net.layer2, net.layer3, net.layer4)] == [2, 3, 1, 1]
    pointers = [parameter.data_ptr() for parameter in net.parameters()]
    assert len(pointers) == len(set(pointers))


@pytest.mark.parametrize("layers", [[], [1], [2, 2, 2], [1, 1, 1, 1, 1], (3, 4, 6, 3, 3, 3)])
def test_any_number_of_layers_but_four_is_refused(ref, layers):
    for kind in ("basic", "bottleneck"):
        with pytest.raises(ValueError, match="layers"):
            ref.ResNet(kind, layers)


@pytest.mark.parametrize("block", ["", "Basic", "plain", "resnet18", None])
def test_an_unknown_block_is_refused(ref, block):
    with pytest.raises(ValueError, match="block"):
        ref.ResNet(block, [1, 1, 1, 1])


# gradient_norms


class Odd(nn.Module):
    """What a model may have: nesting, a layer used twice, one that is unused, buffers of its own, a hook."""

    class Own(nn.Conv2d):
        pass

    def __init__(self):
        super().__init__()
        self.first = self.Own(2, 3, 3, padding=1)
        self.body = nn.ModuleList([nn.Sequential(nn.Conv2d(3, 3, 1, bias=False), nn.BatchNorm2d(3)) for _ in range(2)])
        self.up = nn.ConvTranspose2d(3, 2, 2)
        self.spare = nn.Conv2d(2, 2, 2)
        self.head = nn.Linear(2, 4)
        self.register_buffer("calls", torch.zeros(()), persistent=False)

    def forward(self, x):
        self.calls += 1
        x = self.first(x).relu()
        for block in [*self.body, self.body[0]]:
            x = x + block(x)
        return self.head(self.up(x).mean((2, 3)))


NAMES = ["body.0.0.weight", "body.1.0.weight", "first.weight", "spare.weight"]


def by_the_book(model, images, labels):
    twin = copy.deepcopy(model)
    twin.requires_grad_()
    twin.zero_grad()
    F.cross_entropy(twin(images), labels).backward()
    named = dict(twin.named_parameters())
    return {name: 0.0 if named[name].grad is None else named[name].grad.norm().item() for name in NAMES}


def snapshot(model):
    return (
        {name: value.clone() for name, value in [*model.named_parameters(), *model.named_buffers()]},
        {name: None if p.grad is None else p.grad.clone() for name, p in model.named_parameters()},
        {name: p.requires_grad for name, p in model.named_parameters()},
        {name: module.training for name, module in model.named_modules()},
    )


def same(one, other):
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return one == other


def test_gradient_norms_are_those_by_the_book_and_leave_everything_as_it_was(ref):
    bits = random.Random(8)
    for _ in range(150):
        model = stirred(Odd().to(bits.choice([torch.float32, torch.float64])), bits)
        dtype = model.head.weight.dtype
        for module in model.modules():
            module.training = bits.random() < 0.5
        for parameter in model.parameters():
            parameter.requires_grad_(bits.random() < 0.7)
            if bits.random() < 0.5:
                parameter.grad = real(bits, *parameter.shape, dtype=dtype)
        n = bits.randint(1, 4)
        images, labels = real(bits, n, 2, 4, 3, dtype=dtype), torch.tensor([bits.randrange(4) for _ in range(n)])
        before, want = snapshot(model), by_the_book(model, images, labels)
        got = ref.gradient_norms(model, images, labels)
        assert all(same(one, other) for one, other in zip(before, snapshot(model), strict=True))
        assert sorted(got) == NAMES
        assert all(type(value) is float for value in got.values())
        assert got == pytest.approx(want, rel=1e-5 if dtype == torch.float32 else 1e-10, abs=1e-12)
        assert got["spare.weight"] == 0.0


def test_gradient_norms_of_a_lone_convolution(ref):
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten())
    assert list(ref.gradient_norms(model, torch.rand(2, 1, 3, 3), torch.tensor([0, 1]))) == ["0.weight"]

    class Lone(nn.Conv2d):
        def forward(self, x):
            return super().forward(x).flatten(1)

    assert list(ref.gradient_norms(Lone(1, 2, 3), torch.rand(2, 1, 3, 3), torch.tensor([0, 1]))) == ["weight"]


def test_gradient_norms_of_our_own_network(ref):
    net = ref.ResNet("basic", [1, 1, 1, 1], num_classes=3)
    norms = ref.gradient_norms(net, real(random.Random(9), 2, 3, 64, 64, dtype=torch.float32), torch.tensor([1, 2]))
    assert len(norms) == 12
    assert all(value > 0 for value in norms.values())


def test_the_example_of_the_statement_gives_what_it_says(ref):
    text = re.search(r"For instance\n\n(.*?)\n\n", ref.gradient_norms.__doc__, re.DOTALL).group(1)
    names = {"torch": torch, "nn": nn, "gradient_norms": ref.gradient_norms}
    exec(textwrap.dedent(text), names)
    assert list(names["norms"]) == ["0.weight", "2.weight"]
    assert all(value > 0 for value in names["norms"].values())
