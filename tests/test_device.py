"""Where a learner's tensors live: everything about `--device cuda` that can be shown without a GPU.

What is decided is decided by pure functions of facts; the worker's mode for a GPU is run in earnest with the meta
device, which has no values; and `paper_gpu` has values and no GPU. tests/test_gpu.py is the same on a real one.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from device_kit import BY_META, CPU_ALONE, MISTAKES
from kit import ROOT, grade, solution
from paper_gpu import Paper, plugged_in
from wall_kit import HASTY, closing_sessions, fake, learner_of, wall

from grader import course
from grader.checker import compare, expect, places
from grader.commands import device_of
from grader.errors import GraderFault, LearnerDied, LearnerRaised, LearnerStrayed, LearnerTimedOut, UsageError
from grader.learner import InProcess, Kind, Zygote, box, faults, gpu, syscalls, walls
from grader.model import Environment, Isolation
from grader.pipeline import Grader
from grader.worker import confine, control, device, failures
from grader.worker.device import CPU, CUDA
from grader.worker.values import Packer, Unpacker
from grader.worker.wire import Failure

linux = pytest.mark.skipif(sys.platform != "linux", reason="the lockdown is Linux's")
without_gpu = pytest.mark.skipif(not gpu.why_not(gpu.facts()), reason="this machine has a GPU")
META = "meta"
GIGA = 2**30
H200 = gpu.Card("NVIDIA H200", 140 * GIGA)
WITH_GPU = gpu.Facts(
    "linux", "2.14.1+cu130", "13.0", "580.95.05", ("/dev/nvidia0", "/dev/nvidiactl", "/dev/nvidia-uvm"), (H200,), True
)


# --- What a machine has, and what is said where it has not


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({}, ""),
        ({"system": "darwin"}, "need Linux"),
        ({"cuda": "", "torch": "2.14.1+cpu", "usable": False}, "(2.14.1+cpu) is built without CUDA: install the build"),
        ({"driver": "", "nodes": (), "usable": False}, "no NVIDIA driver is loaded here: nvidia-smi has to list a GPU"),
        ({"usable": False, "said": "The driver is too old."}, "finds no GPU through it"),
        ({"usable": False, "said": "The driver is too old."}, "PyTorch says: The driver is too old."),
        ({"nodes": ()}, "the driver's devices (/dev/nvidiactl, /dev/nvidia0) are not here"),
    ],
)
def test_what_is_missing_for_a_gpu_is_said_with_what_to_do(changed, words):
    said = gpu.why_not(replace(WITH_GPU, **changed))

    assert words in said
    assert (said == "") == (changed == {})


def test_asking_this_machine_gives_what_torch_says_of_it():
    found = gpu.facts()

    assert (found.torch, found.cuda) == (torch.__version__, torch.version.cuda or "")
    assert found.usable == torch.cuda.is_available()
    assert (gpu.why_not(found) == "") == (found.usable and bool(found.nodes))


@pytest.mark.parametrize("command", ["run", "ci", "batch"])
@without_gpu
def test_without_a_gpu_the_command_ends_at_once_and_says_why(command, tmp_path):
    more = {"run": ["--submission", tmp_path], "ci": ["--submission", tmp_path], "batch": ["--out", tmp_path / "out"]}
    where = [tmp_path] if command == "batch" else []
    done = subprocess.run(
        [sys.executable, "-P", "-m", "grader", command, *where, *more[command], "--device", "cuda"],
        capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip

    assert done.returncode == 2
    assert done.stderr.startswith("grade: --device cuda: ")
    assert "leave --device out" in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_device_that_nobody_knows_is_refused_with_those_there_are():
    with pytest.raises(UsageError, match="'tpu': there are cpu and cuda"):
        device_of("tpu")
    assert device_of(CPU) == CPU


def test_a_cluster_is_not_judged_by_the_machine_that_asks_it():
    assert device_of(CUDA, here=False) == CUDA


def test_the_drivers_devices_are_found_and_nothing_beside_them(tmp_path):
    for name in (
        "nvidia0",
        "nvidia12",
        "nvidiactl",
        "nvidia-uvm",
        "nvidia-uvm-tools",
        "nvidia-modeset",
        "nvram",
        "sda",
    ):
        (tmp_path / name).touch()
    (tmp_path / "nvidia-caps").mkdir()

    found = [Path(node).name for node in gpu.nodes(str(tmp_path))]
    assert found == ["nvidia-caps", "nvidia-uvm", "nvidia0", "nvidia12", "nvidiactl"]
    assert gpu.nodes(str(tmp_path / "nowhere")) == ()


def test_a_driver_that_lies_elsewhere_is_found_by_the_loaders_own_variable(tmp_path):
    (tmp_path / gpu.DRIVER_LIBRARY).touch()

    assert gpu.library_folder(f"relative:/nowhere:{tmp_path}") == str(tmp_path)
    assert gpu.library_folder("/nowhere") == ""
    known = gpu.variables([("CUDA_VISIBLE_DEVICES", "1"), ("SECRET", "x"), ("LD_LIBRARY_PATH", str(tmp_path))])
    assert known == {"CUDA_VISIBLE_DEVICES": "1", "LD_LIBRARY_PATH": str(tmp_path)}


# --- What a worker for a GPU is given and held to


def test_memory_is_held_by_what_is_written_to_since_cuda_reserves_address_space_without_end():
    now = confine.Size(space=10 * GIGA, data=GIGA)

    assert confine.memory_limit(CPU, 2 * GIGA, now) == (resource.RLIMIT_AS, 12 * GIGA)
    assert confine.memory_limit(CUDA, 2 * GIGA, now) == (resource.RLIMIT_DATA, 3 * GIGA + confine.DRIVER_BYTES)


def test_the_share_of_a_gpus_memory_is_a_part_of_it_and_never_more_than_all():
    assert device.share(7 * GIGA, 140 * GIGA) == 0.05
    assert device.share(4 * GIGA, 2 * GIGA) == 1.0


def test_only_a_gpus_worker_has_variables_of_a_gpu():
    assert device.environment(CPU) == {}
    assert device.environment(CUDA)["NVIDIA_TF32_OVERRIDE"] == "0"
    assert device.environment(CUDA)["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"


def test_float32_is_computed_as_float32_and_kernels_are_the_same_every_time():
    """In a process of its own: these are switches of a whole process."""
    program = """
import warnings; warnings.simplefilter("error")
import torch
from grader.worker.device import exact
exact()
assert not torch.backends.cudnn.allow_tf32 and not torch.backends.cuda.matmul.allow_tf32
assert torch.get_float32_matmul_precision() == "highest"
assert not torch.backends.cuda.matmul.allow_fp16_reduced_precision_reduction
assert torch.backends.cudnn.deterministic and not torch.backends.cudnn.benchmark
assert not torch.utils.deterministic.fill_uninitialized_memory
assert torch.are_deterministic_algorithms_enabled() and torch.is_deterministic_algorithms_warn_only_enabled()
torch.backends.cuda.matmul.allow_tf32 = True  # a learner may still say so
assert "torch._inductor" not in __import__("sys").modules
"""
    subprocess.run([sys.executable, "-c", program], check=True, env={**os.environ, "PYTHONPATH": str(ROOT)})


def test_a_box_for_the_cpu_shows_no_device_of_a_gpu_and_one_for_a_gpu_shows_those():
    there = walls.Walls(bubblewrap="/usr/bin/bwrap", sized=True)
    plain, _ = box.command(there, 3)
    wide, _ = box.command(there, 3, box.Extras(("/dev/nvidia0",), ("/sys/bus/pci",)))

    assert not [word for word in plain if word.startswith(("/dev/nvidia", "/sys/bus"))]
    assert " --dev-bind /dev/nvidia0 /dev/nvidia0 " in " ".join(wide)
    assert " --ro-bind-try /sys/bus/pci /sys/bus/pci " in " ".join(wide)
    assert wide.index("/dev/nvidia0") > wide.index("/dev")  # or the empty /dev would lie over it


@linux
def test_the_filter_for_a_gpu_is_another_one():
    assert syscalls.program(gpu=True) != syscalls.program()
    assert set(syscalls._GPU_ALLOWED).isdisjoint(syscalls.ALLOWED)


@linux
@pytest.mark.parametrize(("every", "said"), [(True, "PermissionError"), (False, "a socket")])
def test_a_filter_for_a_gpu_holds_for_threads_that_a_driver_has_started(every, said):
    program = f"""
import os, socket, sys, threading
from grader.learner import syscalls
from grader.worker import lockdown
locked = threading.Event()
def driver():
    locked.wait()
    try:
        socket.socket()
        os.write(1, b"a socket")
    except PermissionError:
        os.write(1, b"PermissionError")
    os._exit(0)
thread = threading.Thread(target=driver)
thread.start()
lockdown._seccomp(syscalls.program(gpu=True), every_thread={every})
locked.set()
thread.join()
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment)

    assert done.stdout == said, done.stderr


def test_nothing_asks_for_cuda_before_a_worker_is_forked():
    """Whoever has begun with CUDA has no use of it after a fork, and neither have its children."""
    program = """
import torch
def asked(*args, **kwargs):
    raise SystemExit("CUDA was asked for before the fork")
for name in ("is_available", "device_count", "init", "_lazy_init", "current_device", "get_device_properties"):
    setattr(torch.cuda, name, asked)
for name in ("_cuda_getDeviceCount", "_cuda_init"):
    setattr(torch._C, name, asked)
import importlib
from grader import course
from grader.worker import guard, zygote
from grader.worker.slim import skip_dynamo
torch.set_num_threads(1)
skip_dynamo()
for name in zygote._FOR_LATER:
    importlib.import_module(name)
torch.backends.cpu.get_cpu_capability()
torch.default_generator.manual_seed(0)
bans = {ban: None for exercise in course.load().exercises for task in exercise.tasks for ban in task.bans}
guard.arm(tuple(bans), "cuda")
"""
    subprocess.run([sys.executable, "-c", program], check=True, env={**os.environ, "PYTHONPATH": str(ROOT)})


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


# --- Errors


class OnGpu:
    home = torch.device("cuda", 0)


def failure(error: Exception, home: torch.device = OnGpu.home) -> Failure:
    return failures.failure_from(error, "m.py", home)


ASSERT = torch.AcceleratorError if hasattr(torch, "AcceleratorError") else RuntimeError


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (RuntimeError("CUDA error: device-side assert triggered\nCUDA kernel errors might be …"), "broken"),
        (ASSERT("CUDA error: an illegal memory access was encountered"), "broken"),
        (RuntimeError("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED"), "broken"),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"), "broken"),
        (
            torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity"),
            "memory",
        ),
        (ASSERT("CUDA error: out of memory"), "memory"),
        (RuntimeError("shape '[2]' is invalid for input of size 3"), "raised"),
        (ValueError("CUDA error: is what I call this"), "raised"),
    ],
)
def test_an_error_after_which_cuda_is_gone_is_told_from_every_other(error, kind):
    assert failure(error).kind == kind
    if kind == "broken":
        assert failure(error, torch.device(CPU)).kind == "raised"


def test_of_memory_that_ran_out_only_what_is_the_same_every_time_is_told():
    words = (
        "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 139.80 GiB of which 3 is free."
    )
    told = faults.fault_of(failure(torch.OutOfMemoryError(words)))

    assert isinstance(told, LearnerDied)
    assert told.message == (
        "your code ran out of the GPU's memory (OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.)"
    )
    assert places.next_step(told) == places.MEMORY


def test_a_broken_gpu_costs_its_check_and_says_what_to_look_for():
    told = faults.fault_of(failure(RuntimeError("CUDA error: device-side assert triggered")))

    assert isinstance(told, LearnerDied)
    assert told.message.startswith("your code broke off the work of the GPU (RuntimeError: CUDA error: device-side")
    assert places.next_step(told) == places.INDEX


BREAKS = """
import torch
count = 0
def f(x):
    global count
    count += 1
    if x < 0:
        raise RuntimeError("CUDA error: device-side assert triggered")
    return count
"""


@linux
def test_a_worker_whose_gpu_is_broken_is_replaced_before_the_next_call(monkeypatch, remember):
    zygote = Zygote(walls.NONE, META).start()
    try:
        session = remember(wall(BREAKS, zygote=zygote))
        learner = learner_of(session)
        assert [learner.f(1), learner.f(1)] == [1, 2]
        with pytest.raises(LearnerDied, match="broke off the work of the GPU"):
            learner.f(-1)
        assert learner.f(1) == 1  # nothing of the old one is left
        assert session.generation == 2
    finally:
        session.close()
        zygote.close()


def _mixed() -> list[tuple[str, str]]:
    """What torch itself says here of devices that are mixed, by ways of mixing them."""
    here, there = torch.ones(2, 2), torch.ones(2, 2, device=META)
    ways = {
        "add": lambda: there + here,
        "matmul": lambda: there @ here,
        "cat": lambda: torch.cat([there, here]),
        "where": lambda: torch.where(there > 0, here, there),
        "linear": lambda: torch.nn.functional.linear(there, here),
        "conv": lambda: torch.nn.functional.conv2d(there[None, None], here[None, None]),
    }
    said = []
    for name, way in ways.items():
        try:
            way()
        except RuntimeError as error:
            said.append((name, str(error)))
    return said


def test_what_torch_says_of_mixed_devices_is_recognised():
    said = _mixed()
    assert len(said) >= 3
    for name, text in said:
        fault = LearnerRaised(text, type_name="RuntimeError", text=text)
        assert places.next_step(fault) == places.MIXED, (name, text)


@pytest.mark.parametrize(
    ("said", "step"),
    [
        ("can't convert cuda:0 device type tensor to numpy. Use Tensor.cpu() to copy", places.NUMPY),
        ("Found no NVIDIA driver on your system.", places.NAMED),
        ("Torch not compiled with CUDA enabled", places.NAMED),
        ("Input type (torch.cuda.FloatTensor) and weight type (torch.FloatTensor) should be the same", places.MIXED),
        ("indices should be either on cpu or on the same device as the indexed tensor (cpu)", places.MIXED),
        ("Expected condition, x and y to be on the same device, but condition is on cpu", places.MIXED),
        ("shape '[2]' is invalid for input of size 3", None),
    ],
)
def test_each_kind_of_mistake_about_devices_has_its_next_step(said, step):
    assert places.next_step(LearnerRaised(said, type_name="RuntimeError", text=said)) == step


def test_failures_of_several_kinds_speak_of_devices_only_where_all_do():
    strayed = LearnerStrayed("cpu", "cuda:0")
    numpy = LearnerRaised("can't convert cuda:0 device type tensor to numpy", type_name="TypeError", text="")
    other = LearnerRaised("ValueError: no", type_name="ValueError", text="no")

    assert places.in_words([strayed, strayed]) == places.STRAYED
    assert places.in_words([strayed, numpy]) == places.MIXED
    assert places.in_words([strayed, other]) is None
    assert places.in_words([]) is None


# --- Tolerances


def test_tolerances_are_one_table_that_covers_every_dtype_on_every_device():
    floats = {torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.complex64, torch.complex128}

    assert set(compare.SLACK) == {CPU, CUDA}
    assert all(set(table) == floats for table in compare.SLACK.values())


def test_a_gpu_is_given_more_only_while_its_answers_are_compared():
    want = torch.ones(1)
    off = want + 64 * 32 * 2 * torch.finfo(torch.float32).eps  # twice what a CPU may be off
    with compare.computed_on(CUDA):
        expect.close(off, want)
    with pytest.raises(compare.Mismatch):
        expect.close(off, want)
    tf32 = want * (1 + 2**-6)  # a few sums rounded to 10 bits
    with compare.computed_on(CUDA), pytest.raises(compare.Mismatch):
        expect.close(tf32, want, terms=9)


# --- The report


def test_a_report_names_the_weaker_isolation_of_a_gpu():
    on_cpu = Environment("0", "3", "2", CPU, Isolation.SANDBOXED, 0, ("bubblewrap", "seccomp"))

    assert on_cpu.wall == "sandboxed by bubblewrap, seccomp"
    assert replace(on_cpu, device=CUDA).wall == (
        "sandboxed by bubblewrap, seccomp, with the GPU's driver within these walls"
    )


def test_every_worker_has_a_share_of_the_gpu_that_the_course_can_set():
    assert course.load().budget.worker.gpu_bytes == control.Limits(1, 1, 1).gpu_bytes == 4 * GIGA


# --- A GPU on paper


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.what)
def test_what_mixes_devices_is_right_on_the_cpu_and_named_on_paper(mistake):
    tasks = frozenset({mistake.task})
    here = grade(Grader(course.load(), None), mistake.exercise, mistake.source, tasks).exercises[0].tasks[0]
    with plugged_in():
        there = grade(Grader(course.load(), None, CUDA), mistake.exercise, mistake.source, tasks).exercises[0].tasks[0]

    assert {check.spec.name for check in here.checks if check.verdict != "passed"} <= BY_META
    assert there.score < here.score
    assert there.diagnosis == mistake.says


@pytest.mark.parametrize(("name", "task"), [("ex10_fcn/loops", "confusion_matrix"), ("ex11_yolo/masks", "nms")])
def test_a_right_solution_for_the_cpu_alone_is_told_of_devices_on_paper(name, task):
    assert name in CPU_ALONE
    exercise, style = name.split("/")
    text = (ROOT / "tests" / "right" / exercise / f"{style}.py").read_text("utf-8")
    with plugged_in():
        report = grade(Grader(course.load(), None, CUDA), exercise, text, frozenset({task}))

    assert report.score < report.max_score
    assert any(step in report.exercises[0].tasks[0].diagnosis for step in places.STEPS)


def test_what_is_right_for_the_cpu_alone_is_one_of_the_right_solutions():
    there = {f"{file.parent.name}/{file.stem}" for file in (ROOT / "tests" / "right").glob("*/*.py")}

    assert there >= CPU_ALONE


@pytest.mark.parametrize(("exercise", "task"), [("ex02_filters", "edge_magnitude"), ("ex08_resnet", "BasicBlock"),
                                                ("ex10_fcn", "bilinear_kernel"), ("ex11_yolo", "nms")])  # fmt: skip
def test_references_earn_every_point_on_paper(exercise, task):
    with plugged_in():
        report = grade(Grader(course.load(), None, CUDA), exercise, solution(exercise), frozenset({task}))

    assert report.score == report.max_score
    assert report.environment.device == CUDA


def test_paper_is_no_cpu_and_says_so_in_torchs_words():
    with plugged_in():
        session = InProcess.from_source("m", "def f(x): return [str(x.device), type(x).__name__]", "m.py", device=CUDA)
        assert learner_of(session).f(torch.ones(2)) == ["cuda:0", Paper.__name__]
