"""What a machine has of a GPU, what is said where it has none, and what a worker for one is given and held to.

Without a GPU; tests/test_gpu.py is the same on a real one.
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
from gpu_kit import GIGA, WITH_GPU, linux, without_gpu
from kit import ROOT

from grader.commands import device_of
from grader.errors import UsageError
from grader.learner import box, gpu, syscalls, walls
from grader.worker import confine, device
from grader.worker.device import CPU, CUDA

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
