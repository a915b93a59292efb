"""Errors and mistakes about devices, told from each other and named; tolerances; what the report says.

Without a GPU; tests/test_gpu.py is the same on a real one.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from gpu_kit import GIGA, META, linux
from wall_kit import closing_sessions, learner_of, wall

from grader import course
from grader.checker import compare, expect, places
from grader.errors import LearnerDied, LearnerRaised, LearnerStrayed
from grader.learner import Zygote, faults, walls
from grader.model import Environment, Isolation
from grader.worker import control, failures
from grader.worker.device import CPU, CUDA
from grader.worker.wire import Failure


@pytest.fixture
def remember():
    yield from closing_sessions()


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
