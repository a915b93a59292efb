"""A worker in the mode for a GPU, in earnest: on the meta device, which has no values; and what crosses to it.

Without a GPU; tests/test_gpu.py is the same on a real one.
"""

from __future__ import annotations

import resource

import pytest
import torch
from gpu_kit import GIGA, META, linux, without_gpu
from paper_gpu import plugged_in
from wall_kit import HASTY, closing_sessions, fake, learner_of, wall

from grader.checker import places
from grader.errors import GraderFault, LearnerDied, LearnerRaised, LearnerStrayed, LearnerTimedOut
from grader.learner import InProcess, Kind, Zygote, gpu, walls
from grader.worker import device
from grader.worker.device import CPU, CUDA
from grader.worker.values import Packer, Unpacker

# --- A worker in the mode for a GPU, in earnest, on a device without values


@pytest.fixture(params=["box", "fallback"])
def meta_zygote(request, monkeypatch):
    """Workers in the mode for a GPU; /dev/full stands for the driver."""
    monkeypatch.setattr(gpu, "nodes", lambda: ("/dev/full",))
    monkeypatch.setattr(gpu, "FILES", ("/sys/bus/pci",))
    around = walls.here() if request.param == "box" else walls.here().without_box()
    zygote = Zygote(around, META).start()
    yield zygote
    zygote.close()


@pytest.fixture
def remember():
    yield from closing_sessions()


SOURCE = """
import os, torch
def f(what, *args): return globals()[what](*args)
def add_ours(x): return x + torch.ones(3)
def add_theirs(x): return x + x.new_ones(3)
def ours(x): return torch.zeros(x.shape)
def where(x): return str(x.device)
def variables(): return sorted(os.environ)
def memory(size): return len(bytearray(size))
def address_space(): return __import__("resource").getrlimit(__import__("resource").RLIMIT_AS)[0]
def opens(path): return os.close(os.open(path, os.O_RDWR))
def events(): return os.close(os.eventfd(0))
def socket(): return __import__("socket").socket()
def loop():
    while True: pass
class Layer(torch.nn.Module):
    def __init__(self, device=None):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(3, device=device))
        self.kept = torch.ones(3)
    def forward(self, x): return x * self.weight if x.dim() else [str(self.weight.device), str(self.kept.device)]
"""


@linux
def test_a_worker_in_the_mode_for_a_gpu_is_locked_down_but_for_the_driver(meta_zygote, remember):
    session = remember(wall(SOURCE, zygote=meta_zygote))
    learner = learner_of(session, Layer=Kind.MODULE)
    x = torch.arange(3.0)

    assert learner.f("where", x) == META
    assert learner.f("address_space") == resource.RLIM_INFINITY
    assert set(device.ENVIRONMENT) < set(learner.f("variables"))
    assert learner.f("opens", "/dev/full") is None
    assert learner.f("events") is None
    for refused in (("opens", "/dev/tty"), ("opens", "/etc/passwd"), ("socket",)):
        with pytest.raises(LearnerRaised, match="Error"):
            learner.f(*refused)
    with pytest.raises(LearnerDied, match="ran out of memory"):
        learner.f("memory", 4 * GIGA)
    assert learner.f("where", x) == META  # a fresh worker
    assert session.generation == 2


@linux
def test_on_another_device_mistakes_are_named_by_a_real_worker(meta_zygote, remember):
    session = remember(wall(SOURCE, zygote=meta_zygote))
    learner = learner_of(session, Layer=Kind.MODULE)
    x = torch.arange(3.0)

    assert learner.f("add_theirs", x).shape == (3,)
    with pytest.raises(LearnerRaised) as mixed:
        learner.f("add_ours", x)
    assert places.next_step(mixed.value) == places.MIXED
    with pytest.raises(LearnerStrayed, match="the result is on cpu, and the input on meta: make new tensors"):
        learner.f("ours", x)
    layer = learner.Layer()
    assert layer(torch.tensor(0.0)) == [
        META,
        CPU,
    ]  # moved as its user would: what is no parameter and no buffer stays behind
    assert layer(x).shape == (3,)
    assert session.generation == 1
    session.times = HASTY
    with pytest.raises(LearnerTimedOut):
        learner.f("loop")


@linux
@without_gpu
def test_a_worker_that_cannot_begin_with_cuda_is_our_fault_and_says_why():
    zygote = Zygote(walls.here(), CUDA).start()
    try:
        with pytest.raises(GraderFault, match=r"a worker did not start(.|\n)*(NVIDIA|CUDA)"):
            learner_of(wall("def f(): return 1", zygote=zygote)).f()
    finally:
        zygote.close()


# --- What crosses


def test_values_are_rebuilt_where_the_learners_tensors_live_and_their_place_is_told():
    packer = Packer(layout=True)
    value = packer.pack([torch.ones(2, 3).mT, torch.ones(2, device=META)])
    there = Unpacker(bytes(packer.body), home=META)
    moved, _ = there.unpack(value)

    assert (moved.device.type, moved.stride()) == (META, (1, 3))
    assert there.devices == [CPU, META]


def test_a_module_is_moved_unless_a_device_was_asked_for():
    home = torch.device(META)
    plain, asked, numbers = torch.nn.Linear(1, 1), torch.nn.Linear(1, 1), [1]
    device.moved(plain, home, {})
    device.moved(asked, home, {"device": CPU})
    device.moved(numbers, home, {})
    on_meta = torch.nn.Linear(1, 1, device=META)
    device.moved(on_meta, torch.device("cuda", 0), {})  # nothing to move: it has no values

    assert [module.weight.device.type for module in (plain, asked, on_meta)] == [META, CPU, META]


@pytest.mark.parametrize("seen_on", [CPU, CUDA])
def test_on_the_cpu_nothing_strays(seen_on):
    learner = learner_of(fake("import torch\ndef f(x): return torch.zeros(2)\ndef g(): return torch.ones(1)"))
    if seen_on == CPU:
        assert learner.f(torch.ones(2)).tolist() == [0, 0]
        return
    with plugged_in():
        session = InProcess.from_source("m", "import torch\ndef f(x): return torch.zeros(2)\n"
                                        "def g(): return torch.ones(1)", "m.py", device=CUDA)  # fmt: skip
        learner = learner_of(session)
        assert learner.g().tolist() == [1]  # nothing came in: nothing says where it belongs
        with pytest.raises(LearnerStrayed, match="the result is on cpu, and the input on cuda:0"):
            learner.f(torch.ones(2))
