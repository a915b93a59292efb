"""Everything on a real GPU: `pytest -m gpu`. Skipped where PyTorch has none; tests/test_device.py is the rehearsal.

What a GPU alone can show: its numerics, its errors, its memory, its driver behind our walls.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from device_kit import BY_META, CPU_ALONE, MISTAKES
from kit import ROOT, grade, solution
from test_right import may_lose
from wall_kit import LIMITS, closing_sessions, learner_of, wall

from grader import course
from grader.checker import places
from grader.doctor import examine, gpu_rows
from grader.errors import LearnerDied, LearnerRaised, LearnerTimedOut
from grader.learner import TimeLimits, Zygote, gpu, walls
from grader.model import Isolation
from grader.pipeline import Grader
from grader.worker import control

WITHOUT = gpu.why_not(gpu.facts())
pytestmark = [pytest.mark.gpu, pytest.mark.skipif(bool(WITHOUT), reason=WITHOUT)]

COURSE = course.load()
RIGHT = sorted(file for name in COURSE.names for file in (ROOT / "tests" / "right" / name).glob("*.py"))
GIGA = 2**30
SLOW = TimeLimits(call=60.0, again=60.0, load=60.0)  # the first use of a library of CUDA's loads it from the disk

SOURCE = """
import os, torch
import torch.nn.functional as F
def f(what, *args): return globals()[what](*args)
def where(x): return [str(x.device), torch.cuda.current_device()]
def product(a, b): return a @ b
def correlated(x, weight): return F.conv2d(x, weight)
def pick(x, at): return x[at]
def use(gigabytes): return torch.empty(int(gigabytes * 2**30), dtype=torch.uint8, device="cuda").numel()
def sleep(): torch.cuda._sleep(10**14); return 1
def spin(x):
    while True: x = (x @ x).clamp(-1, 1)
def draw(): return torch.rand(4, device="cuda").tolist()
def read(path): return open(path).read()
def sums(x): return torch.zeros(8, device=x.device).index_add(0, torch.arange(len(x), device=x.device) % 8, x)
"""


@pytest.fixture(scope="session")
def zygote() -> Iterator[Zygote]:
    made = Zygote(walls.here(), "cuda").start()
    yield made
    made.close()


@pytest.fixture(scope="session")
def gpu_grader(zygote) -> Grader:
    patient = replace(COURSE.budget, call_seconds=60.0, again_seconds=60.0)
    return Grader(replace(COURSE, budget=patient), zygote)


@pytest.fixture
def remember():
    yield from closing_sessions()


@pytest.fixture
def open_session(zygote, remember):
    def opened(source: str = SOURCE, **options):
        return remember(wall(source, zygote=zygote, times=options.pop("times", SLOW), **options))

    return opened


# --- The course


@pytest.mark.parametrize("exercise", COURSE.names)
def test_a_reference_earns_every_point(exercise, gpu_grader):
    report = grade(gpu_grader, exercise, solution(exercise))

    lost = [f"{check.spec.name}: {check.message}" for task in report.exercises[0].tasks for check in task.checks
            if check.verdict != "passed"]  # fmt: skip
    assert lost == []
    assert report.score == report.max_score
    assert report.environment.device == "cuda"


@pytest.mark.parametrize("file", RIGHT, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_a_right_solution_earns_every_point_or_is_told_of_devices(file, gpu_grader):
    report = grade(gpu_grader, file.parent.name, file.read_text("utf-8"))

    lost = {check.spec.name: f"{check.verdict}: {check.message}" for task in report.exercises[0].tasks
            for check in task.checks if check.verdict != "passed"}  # fmt: skip
    if f"{file.parent.name}/{file.stem}" not in CPU_ALONE:
        assert lost.keys() == may_lose(file), lost
        return
    said = [task.diagnosis for task in report.exercises[0].tasks if task.diagnosis]
    assert [words for words in said if any(step in words for step in places.STEPS)], said


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.what)
def test_what_is_right_on_the_cpu_alone_is_named(mistake, gpu_grader, grader):
    tasks = frozenset({mistake.task})
    here = grade(grader, mistake.exercise, mistake.source, tasks).exercises[0].tasks[0]
    there = grade(gpu_grader, mistake.exercise, mistake.source, tasks).exercises[0].tasks[0]

    assert {check.spec.name for check in here.checks if check.verdict != "passed"} <= BY_META
    assert there.score < here.score
    assert there.diagnosis == mistake.says


def test_the_same_submission_gives_the_same_record(gpu_grader):
    text = MISTAKES[1].source
    first, again = (grade(gpu_grader, MISTAKES[1].exercise, text, frozenset({MISTAKES[1].task})) for _ in range(2))

    def timeless(report):
        return [(check.spec.name, check.verdict, check.message) for task in report.exercises[0].tasks
                for check in task.checks]  # fmt: skip

    assert timeless(first) == timeless(again)


# --- A worker on the GPU


def test_tensors_live_on_the_gpu_there_and_on_the_cpu_here(open_session):
    learner = learner_of(open_session())
    x = torch.arange(6.0).reshape(2, 3)
    result = learner.f("product", x, x.mT)

    assert learner.f("where", x) == ["cuda:0", 0]
    assert result.device.type == "cpu"
    assert torch.equal(result, x @ x.mT)


def test_gradients_come_back(open_session):
    learner = learner_of(open_session())
    x = torch.ones(2, 2, dtype=torch.float64, requires_grad=True)
    learner.f("product", x, x).sum().backward()

    assert x.grad is not None
    assert torch.equal(x.grad, torch.full((2, 2), 4.0, dtype=torch.float64))


def test_a_float32_is_no_tf32(open_session):
    """TF32 keeps 10 bits of each factor: a product of 512 terms is off by 1e-3 of its size, and not by 1e-6."""
    learner = learner_of(open_session())
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.randn(512, 512, generator=generator) for _ in range(2))
    x, weight = torch.randn(4, 32, 24, 24, generator=generator), torch.randn(32, 32, 3, 3, generator=generator)
    for got, want in (
        (learner.f("product", a, b), a.double() @ b.double()),
        (learner.f("correlated", x, weight), torch.nn.functional.conv2d(x.double(), weight.double())),
    ):
        assert (got.double() - want).abs().max() < 5e-5 * want.abs().max()


def test_random_numbers_and_sums_are_the_same_in_every_worker(open_session):
    x = torch.linspace(0, 1, 10_000)
    one, other = (learner_of(open_session()) for _ in range(2))

    assert one.f("draw") == other.f("draw")
    assert torch.equal(one.f("sums", x), other.f("sums", x))


def test_an_error_of_cuda_costs_its_call_and_not_the_next(open_session):
    session = open_session()
    learner = learner_of(session)
    x = torch.arange(4.0)
    assert learner.f("pick", x, torch.tensor([1])).tolist() == [1.0]
    with pytest.raises(LearnerDied, match="your code broke off the work of the GPU") as caught:
        learner.f("pick", x, torch.tensor([10**6]))

    assert "CUDA error" in caught.value.message
    assert caught.value.line is not None  # errors are told where they happen
    assert learner.f("pick", x, torch.tensor([2])).tolist() == [2.0]
    assert session.generation == 2


def test_an_error_in_one_task_does_not_poison_the_next(gpu_grader):
    broken = """
def box_cxcywh_to_xyxy(boxes):
    torch.zeros(1, device=boxes.device)[torch.tensor([9], device=boxes.device)]
    return boxes
"""
    wanted = frozenset({"box_cxcywh_to_xyxy", "box_xyxy_to_cxcywh"})
    first, second = grade(gpu_grader, "ex11_yolo", solution("ex11_yolo") + broken, wanted).exercises[0].tasks

    assert {check.verdict for check in first.checks} <= {"died", "not_run"}
    assert first.diagnosis == places.INDEX
    assert second.score == second.max_score


def test_memory_of_the_gpu_is_shared_out(open_session):
    session = open_session(limits=control.Limits(LIMITS.memory_bytes, LIMITS.cpu_seconds, LIMITS.file_bytes, GIGA))
    learner = learner_of(session)
    assert learner.f("use", 0.5) == GIGA // 2
    with pytest.raises(LearnerDied, match="your code ran out of the GPU's memory") as caught:
        learner.f("use", 2)

    assert "GPU 0 has" not in caught.value.message  # what others use is different every time
    assert learner.f("use", 0.5) == GIGA // 2


@pytest.mark.parametrize(("what", "arguments"), [("sleep", ()), ("spin", (torch.rand(64, 64),))])
def test_work_without_end_is_ended_and_the_next_call_is_answered(what, arguments, open_session):
    session = open_session()
    learner = learner_of(session)
    learner.f("where", torch.ones(1))  # it has begun
    session.times = TimeLimits(call=2.0, again=2.0, load=60.0)
    with pytest.raises(LearnerTimedOut):
        learner.f(what, *arguments)
    session.times = SLOW
    assert learner.f("where", torch.ones(1))[0] == "cuda:0"


def test_behind_the_walls_of_a_gpu_nothing_else_is_open(zygote):
    health = examine(zygote)

    assert health.isolation is Isolation.SANDBOXED
    assert [finding for finding in health.findings if not finding.held] == []


def test_a_file_of_ours_is_out_of_reach(open_session):
    with pytest.raises(LearnerRaised, match="Error"):
        learner_of(open_session()).f("read", str(Path(__file__)))


def test_the_doctor_names_the_gpu():
    assert all(row.there for row in gpu_rows(gpu.facts()))
