"""Reports made by hand: a dozen ways to fail, for every renderer to show. Values of grader.model only, no torch."""

from __future__ import annotations

from dataclasses import replace
from math import inf, isfinite, nan, prod

from grader.model import (
    CheckResult,
    CheckSpec,
    Counterexample,
    Environment,
    ExerciseResult,
    Isolation,
    Json,
    Report,
    TaskResult,
    TensorView,
    Verdict,
)
from grader.score import task_result

ENVIRONMENT = Environment("0.1.0", "3.11.9", "2.6.0", "cpu", Isolation.SANDBOXED, 0)

# Everything that has ever turned a report against its reader: HTML, attributes, ANSI, a terminal title, bidi
# controls, spreadsheet formulas, CI commands, rich markup, the end of a CDATA section, a NUL, a lone surrogate.
HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=\"alert('2')\"> & \x1b[31mred\x1b[0m \x1b]0;title\x07 \u202eevil\u202c"
    ' =HYPERLINK("http://evil.example") [bold red]markup[/] {{ 7 * 7 }} ]]> \x00 \x9b \ud800'
    "\n::error::forged\n##[error]forged"
)


def tensor(values: Json, dtype: str = "float32", *, shape: tuple[int, ...] | None = None) -> TensorView:
    """A view of a nested list, its shape and extremes worked out."""
    flat = list(_flat(values))
    finite = [float(value) for value in flat if isfinite(value)]
    shape = _shape(values) if shape is None else shape
    assert prod(shape) == len(flat)
    return TensorView(dtype, shape, values, min(finite, default=None), max(finite, default=None))


def _flat(values: Json):
    if isinstance(values, list):
        for value in values:
            yield from _flat(value)
    else:
        yield values


def _shape(values: Json) -> tuple[int, ...]:
    return (len(values), *(_shape(values[0]) if values else ())) if isinstance(values, list) else ()


def check(name: str, title: str, verdict: Verdict = Verdict.PASSED, *, points: float = 2, needs=(), **fields):
    spec = CheckSpec(name, "conv2d", title, points, needs=tuple(needs))
    return CheckResult(spec, verdict, duration_s=0.0123456, **fields)


PASSED = check("conv2d_plain", "Plain convolution of one image")


def task(*checks: CheckResult, name: str = "conv2d", diagnosis: str | None = None) -> TaskResult:
    return task_result(name, sum(each.spec.points for each in checks), checks, diagnosis)


def report(*tasks: TaskResult, notes: tuple[str, ...] = (), more: tuple[ExerciseResult, ...] = ()) -> Report:
    exercise = ExerciseResult("ex04_conv", "The convolution layer", tasks)
    return Report("ada_lovelace", "0f" * 32, ENVIRONMENT, (exercise, *more), notes)


X = tensor([[[[1.0, 2.0, 3.0, 0.0], [4.0, 5.0, 6.0, 1.0], [7.0, 8.0, 9.0, 2.0]]]])
WEIGHT = tensor([[[[1.0, 0.0], [0.0, -2.0]]]])
ROTATED = Counterexample(
    call="conv2d(x, weight)",
    inputs=(("x", X), ("weight", WEIGHT)),
    expected=tensor([[[[-9.0, -10.0, 1.0], [-12.0, -13.0, 2.0]]]]),
    got=tensor([[[[3.0, 2.0, -5.0], [-12.0, -1.0, -10.0]]]]),
    where="first at [0, 0, 0, 0]: expected -9.0, got 3.0; 5 of 6 elements differ",
    difference=tensor([[[[12.0, 12.0, 6.0], [0.0, 12.0, 12.0]]]]),
    snippet=(
        "import torch\nfrom ex04_conv import conv2d\n\n"
        "x = torch.tensor([[[[1., 2., 3., 0.], [4., 5., 6., 1.], [7., 8., 9., 2.]]]])\n"
        "weight = torch.tensor([[[[1., 0.], [0., -2.]]]])\nprint(conv2d(x, weight))\n"
    ),
)


def wrong(example: Counterexample, message: str, *, title: str = "Any weights, any image", **fields) -> CheckResult:
    return check("conv2d_weights", title, Verdict.WRONG, message=message, counterexample=example, **fields)


def learner(verdict: Verdict, message: str, **fields) -> CheckResult:
    example = replace(ROTATED, expected=None, got=None, where=None, difference=None)
    return check("conv2d_weights", "Any weights, any image", verdict, message=message, counterexample=example, **fields)


def plane(height: int, width: int, start: float, *, step: float = 1.0) -> list[list[float]]:
    return [[start + step * (row * width + column) for column in range(width)] for row in range(height)]


def shapes() -> Report:
    example = replace(
        ROTATED,
        call="conv2d(x, weight, padding=1)",
        got=tensor([plane(2, 3, 0.0)], shape=(1, 2, 3)),
        where="expected shape (1, 1, 2, 3), got (1, 2, 3)",
        difference=None,
    )
    return report(task(PASSED, wrong(example, "The result has 3 dimensions where 4 are expected.")))


def dtypes() -> Report:
    example = replace(ROTATED, got=tensor([[[[-9, -10, 1], [-12, -13, 2]]]], "int64"), where=None, difference=None)
    return report(task(PASSED, wrong(example, "The result has dtype int64; the input has float32.")))


def not_finite() -> Report:
    example = replace(
        ROTATED, got=tensor([[[[-9.0, nan, 1.0], [inf, -13.0, -inf]]]]), where="3 of 6 elements differ", difference=None
    )
    return report(task(PASSED, wrong(example, "The result has NaN where a number is expected.")))


def texts() -> Report:
    example = Counterexample(
        "trace_shapes(input_shape, layers)",
        (("input_shape", "(3, 32, 32)"), ("layers", "[{'type': 'conv', 'out_channels': 6, 'kernel_size': 5}]")),
        expected="[(6, 28, 28)]",
        got="[(6, 27.5, 28)]",
        where="item 0 differs",
    )
    return report(task(wrong(example, "The second number is not the height that comes out.")))


def close_values() -> Report:
    shown = [tensor([1.0, 0.33333, 0.25], "float64"), tensor([1.0, 0.33334, 0.25], "float64")]
    example = Counterexample("softmax(x)", (("x", tensor([2.0, 1.0, 0.5], "float64")),), *shown, where="1 differs")
    return report(task(wrong(example, "The values are close, but not as close as float64 allows.")))


def large() -> Report:
    rows, wrong_rows = plane(12, 20, 0.0), plane(12, 20, 0.0)
    wrong_rows[9][17] = -50.0
    planes, wrong_planes = [[rows] * 8], [[*([rows] * 4), wrong_rows, *([rows] * 3)]]
    huge = TensorView("float32", (64, 3, 224, 224), None, -3.0, 3.0)
    empty = TensorView("float32", (0, 3), [])
    example = Counterexample(
        "conv2d(x, weight, bias)",
        (("x", huge), ("weight", tensor([[plane(3, 3, float(c)) for c in range(8)]])), ("bias", empty)),
        tensor(planes),
        tensor(wrong_planes),
        "first at [0, 4, 9, 17]: expected 197.0, got -50.0; 1 of 1920 elements differs",
    )
    return report(task(PASSED, wrong(example, "One element is not what it should be.")))


def not_run() -> Report:
    first = wrong(ROTATED, "The values are wrong.")
    second = check("conv2d_stride", "Stride, also different for both axes", Verdict.NOT_RUN, needs=["conv2d_weights"])
    third = check("conv2d_ops", "Few operations, whatever the size", Verdict.NOT_RUN, needs=["conv2d_stride"])
    return report(task(PASSED, first, second, third, diagnosis=ROTATED_SENTENCE))


def hostile() -> Report:
    shown = Counterexample(HOSTILE, ((HOSTILE, HOSTILE), ("x", X)), HOSTILE, HOSTILE + "!", HOSTILE, None, HOSTILE)
    bad = wrong(shown, HOSTILE, printed=HOSTILE + "\n" + "\n".join(f"line {i}" for i in range(40)))
    other = check("conv2d_other", HOSTILE, Verdict.RAISED, message=HOSTILE, line=3, place="line 3")
    return replace(report(task(bad, other, diagnosis=HOSTILE), notes=(HOSTILE,)), submission=HOSTILE)


def course() -> Report:
    """A submission half way: some of everything, as a learner sees it."""
    raised = learner(
        Verdict.RAISED, "IndexError: index 4 is out of bounds for dimension 2 with size 4", line=57, place="line 57"
    )
    conv = task(
        PASSED,
        wrong(ROTATED, "The values are wrong.", printed="shape torch.Size([1, 1, 3, 4])\n0.5\n"),
        check("conv2d_stride", "Stride, also different for both axes", Verdict.NOT_RUN, needs=["conv2d_weights"]),
        check("conv2d_bias", "One bias for each filter", Verdict.WRONG, message="The bias is added once per channel."),
        diagnosis=ROTATED_SENTENCE,
    )
    pad = task(check("pad2d_zeros", "Zeros on every side", points=6), name="pad2d")
    layer = task(check("Conv2d_shapes", "Parameters as in nn.Conv2d", Verdict.TODO), name="Conv2d")
    volume = task(PASSED, raised, name="conv3d", diagnosis="The last window begins too late: count the positions anew.")
    sizes = ExerciseResult("ex03_output_size", "The arithmetic of shapes", (replace(pad, name="conv_output_size"),))
    absent = [
        ExerciseResult(name, title, (TaskResult("a", 21.0), TaskResult("b", 20.0)), missing=True)
        for name, title in (("ex05_pool", "Activation, pooling, flattening"), ("ex06_cnn", "A first CNN in PyTorch"))
    ]
    made = report(pad, conv, volume, layer, more=tuple(absent), notes=("notes.txt was left out: no Python file",))
    return replace(made, exercises=(sizes, *made.exercises))


ROTATED_SENTENCE = (
    "You rotated the kernel by 180°: that is the mathematical convolution. In deep learning the kernel is laid on the "
    "image as it is (cross-correlation). Leave out the flip."
)
REFUSED = "conv2d is not allowed in this task: the convolution is what you build here; slicing and einsum are fine."

SAMPLES: dict[str, Report] = {
    "wrong": report(task(PASSED, wrong(ROTATED, "The values are wrong."), diagnosis=ROTATED_SENTENCE)),
    "shape": shapes(),
    "dtype": dtypes(),
    "raised": report(
        task(PASSED, learner(Verdict.RAISED, "TypeError: 'int' object is not iterable", line=31, place="line 31"))
    ),
    "refused": report(task(PASSED, learner(Verdict.REFUSED, REFUSED, line=12, place="line 12"))),
    "timed_out": report(task(PASSED, learner(Verdict.TIMED_OUT, "The call had not come back after 10 seconds."))),
    "died": report(task(PASSED, learner(Verdict.DIED, "Your code asked for more than 2048 MB of memory."))),
    "todo": report(task(check("conv2d_plain", "Plain convolution of one image", Verdict.TODO))),
    "not_run": not_run(),
    "fault": report(
        task(PASSED, check("conv2d_ops", "Few operations", Verdict.FAULT, message="KeyError: 'rows' (in check)")),
        task(PASSED, name="conv3d"),
    ),
    "not_finite": not_finite(),
    "texts": texts(),
    "close_values": close_values(),
    "large": large(),
    "hostile": hostile(),
    "passed": report(task(PASSED)),
    "course": course(),
}
