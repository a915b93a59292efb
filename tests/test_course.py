"""course.toml: read, looked over, and asked for exercises and tasks by name."""

from __future__ import annotations

from dataclasses import replace

import pytest

from grader import course
from grader.checker import misconceptions
from grader.errors import GraderFault, UsageError
from grader.references import load, reference

SOURCE = '''"""A statement."""


def {0}(x):
    """{0}"""
    ### BEGIN SOLUTION
    return x
    ### END SOLUTION


def flatten(x):
    """flatten"""
    ### BEGIN SOLUTION
    return x
    ### END SOLUTION
'''
TOML = """
title = "A course"

[limits]
call_seconds = 10
again_seconds = 2.0
load_seconds = 20.0
cpu_seconds = 300
memory_mb = 2048
file_mb = 64

[ban.convolution]
because = "you build it"
operators = ["conv(?!ert)"]

[[exercise]]
name = "ex04_conv"
title = "Convolution"
lecture = "Lecture"
task = [{ name = "conv2d", points = 3.5, ban = ["convolution"] }, { name = "flatten", points = 1 }]

[[exercise]]
name = "ex05_pool"
title = "Pooling"
lecture = "Lecture"
task = [{ name = "relu", points = 2 }, { name = "flatten", points = 1 }]

[[exercise]]
name = "ex08_resnet"
title = "Depth"
lecture = "Lecture"
task = [{ name = "Net", points = 2 }, { name = "flatten", points = 1 }]
"""


@pytest.fixture
def place(tmp_path):
    (tmp_path / "exercises").mkdir()
    (tmp_path / "solutions").mkdir()
    (tmp_path / "exercises" / "course.toml").write_text(TOML)
    for name, task in (("ex04_conv", "conv2d"), ("ex05_pool", "relu"), ("ex08_resnet", "Net")):
        (tmp_path / "solutions" / f"{name}.py").write_text(SOURCE.format(task))
    return tmp_path


def test_a_course_is_read_whole(place):
    known = course.load(place)

    assert known.names == ("ex04_conv", "ex05_pool", "ex08_resnet")
    assert known.exercise("ex04_conv").points == 4.5
    assert known.exercise("ex04_conv").kinds == {"conv2d": "function", "flatten": "function"}
    assert known.exercise("ex04_conv").task("conv2d").bans[0].because == "you build it"
    assert known.exercise("ex05_pool").task("relu").bans == ()
    assert known.exercise("ex05_pool").statement == "A statement."
    assert known.budget.worker.memory_bytes == 2048 * 2**20
    assert known.source_file("ex04_conv").is_file()


def test_a_task_that_trains_has_time_of_its_own_in_every_budget(place):
    file = place / "exercises" / "course.toml"
    file.write_text(TOML.replace('{ name = "relu", points = 2 }', '{ name = "relu", points = 2, seconds = 50.5 }'))
    known = course.load(place)
    trains = known.exercise("ex05_pool")

    assert trains.kinds["relu"] == course.TRAINER
    assert trains.training_seconds == 3 * 50.5
    assert known.budget.of_submission([trains]) == 600 + 3 * 50.5
    assert known.budget.of_submission([known.exercise("ex04_conv")]) == 600, "who trains nothing has no use for it"
    assert replace(known.budget, trainings_apart=False).of_submission([trains]) == 600
    assert known.budget.worker_of(trains).cpu_seconds == 300 + 152
    assert known.budget.worker_of(known.exercise("ex04_conv")) == known.budget.worker


def test_the_real_course_can_be_read():
    known = course.load()

    assert known.names == tuple(sorted(known.names))
    assert all(task.points > 0 and task.docstring for exercise in known.exercises for task in exercise.tasks)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('title = "A course"', "title = ", "line 2"),
        ('title = "A course"', "", "missing required field `title`"),
        ("call_seconds = 10", "", "missing required field `call_seconds`"),
        ("call_seconds = 10", "call_seconds = 'ten'", "Expected `float`, got `str` - at `limits.call_seconds`"),
        ("cpu_seconds = 300", "cpu_seconds = 0", "limits.cpu_seconds"),
        ("file_mb", "file_md", "file_md"),
        ("points = 3.5", "points = -1", "exercise[0].task[0].points"),
        ("points = 3.5", "points = nan", "exercise[0].task[0].points"),
        ("points = 3.5", "point = 3", "point"),
        ('ban = ["convolution"] }', 'bans = ["convolution"] }', "unknown field `bans` - at `exercise[0].task[0]`"),
        ('ban = ["convolution"] }', "seconds = 0 }", "exercise[0].task[0].seconds"),
        ('ban = ["convolution"] }', 'seconds = 9, uses = ["flatten"] }', "ex04_conv::conv2d trains a model"),
        (
            'ban = ["convolution"] }, { name = "flatten", points = 1 }',
            'uses = ["flatten"] }, { name = "flatten", points = 1, seconds = 9 }',
            "ex04_conv::conv2d uses 'flatten', which trains",
        ),
        (
            'ban = ["convolution"] }',
            'ban = ["conv"] }',
            "ex04_conv::conv2d has a ban 'conv', and there is no [ban.conv]",
        ),
        ('because = "you build it"', "", "[ban.convolution]"),
        ('because = "you build it"', "why = 'x'\nbecause = 'x'", "[ban.convolution] has a key that means nothing: why"),
        ("conv(?!ert)", "conv(", "[ban.convolution]: 'conv(' is no regular expression"),
        ('operators = ["conv(?!ert)"]', 'operators = "conv"', "[ban.convolution]: Expected `array`"),
        ('name = "ex05_pool"', 'name = "ex04_conv"', "there are two entries for the exercise 'ex04_conv'"),
        ('name = "ex05_pool"', 'name = "../pool"', "exercise[1].name"),
        ('{ name = "relu", points = 2 }', '{ name = "flatten", points = 2 }', "the task of ex05_pool 'flatten'"),
        ('{ name = "relu", points = 2 }, ', "", "its tasks are ['relu', 'flatten'], course.toml says ['flatten']"),
        ('{ name = "relu", points = 2 }', "1", "exercise[1].task[0]"),
        ('name = "ex05_pool"', 'name = "ex06_cnn"', "ex06_cnn.py is missing"),
        ("[[exercise]]", "[[exercises]]", "exercise"),
    ],
)
def test_a_malformed_course_is_our_fault_and_says_where(place, old, new, words):
    assert old in TOML
    (place / "exercises" / "course.toml").write_text(TOML.replace(old, new))

    with pytest.raises(GraderFault) as caught:
        course.load(place)

    assert words in str(caught.value)
    assert "course.toml" in str(caught.value)


def test_a_course_that_is_not_there_or_no_text_is_named(place):
    file = place / "exercises" / "course.toml"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(GraderFault, match=r"course\.toml"):
        course.load(place)
    file.unlink()
    with pytest.raises(GraderFault, match=r"course\.toml cannot be read: No such file"):
        course.load(place)


def test_a_source_that_does_not_parse_is_named(place):
    (place / "solutions" / "ex05_pool.py").write_text('"""S"""\ndef f(:\n')

    with pytest.raises(GraderFault, match=r"ex05_pool\.py, line 2"):
        course.load(place)


# what


@pytest.mark.parametrize(
    ("what", "found"),
    [
        ("ex04", ("ex04_conv", None)),
        ("ex04_conv", ("ex04_conv", None)),
        ("conv", ("ex04_conv", None)),
        ("EX04", ("ex04_conv", None)),
        ("Ex05_Pool", ("ex05_pool", None)),
        (" pool ", ("ex05_pool", None)),
        ("res", ("ex08_resnet", None)),
        ("ex04_conv::conv2d", ("ex04_conv", "conv2d")),
        ("conv::conv2d", ("ex04_conv", "conv2d")),
        ("ex04::Conv2D", ("ex04_conv", "conv2d")),
        ("ex05::flatten", ("ex05_pool", "flatten")),
        ("conv2d", ("ex04_conv", "conv2d")),
        ("::conv2d", ("ex04_conv", "conv2d")),
        ("RELU", ("ex05_pool", "relu")),
        ("Net", ("ex08_resnet", "Net")),
        ("ex04::", ("ex04_conv", None)),
    ],
)
def test_every_form_of_what_is_understood(place, what, found):
    assert course.load(place).select(what) == found


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("", "there is no exercise or task ''; the nearest: ex04_conv, ex05_pool, ex08_resnet"),
        ("ex0", "'ex0' could be any of ex04_conv, ex05_pool, ex08_resnet; say which"),
        ("flatten", "could be any of ex04_conv::flatten, ex05_pool::flatten, ex08_resnet::flatten; say which"),
        ("ex40", "there is no exercise or task 'ex40'; the nearest: ex08_resnet, ex05_pool, ex04_conv"),
        ("pol", "there is no exercise or task 'pol'; the nearest: ex05_pool"),
        ("conv3d", "there is no exercise or task 'conv3d'; the nearest: ex04_conv::conv2d"),
        ("ex04::conv3d", "ex04_conv has no task 'conv3d'; the nearest: conv2d"),
        ("ex04::zzz", "ex04_conv has no task 'zzz'; the nearest: conv2d, flatten"),
        ("zzz", "the nearest: ex04_conv, ex05_pool, ex08_resnet"),
        ("ex9::conv2d", "there is no exercise or task 'ex9::conv2d'; the nearest: ex04_conv::conv2d"),
        ("../ex04", "there is no exercise or task '../ex04'"),
        ("::", "there is no exercise or task '::'"),
        ("ex04::conv2d::x", "ex04_conv has no task 'conv2d::x'; the nearest: conv2d"),
    ],
)
def test_what_is_unknown_or_ambiguous_is_answered_with_the_nearest(place, what, words):
    with pytest.raises(UsageError) as caught:
        course.load(place).select(what)

    assert words in str(caught.value)


def test_conv2d_and_Conv2d_are_told_apart(place):
    file = place / "exercises" / "course.toml"
    file.write_text(TOML.replace('"relu"', '"Conv2D"'))
    (place / "solutions" / "ex05_pool.py").write_text(SOURCE.format("Conv2D"))
    known = course.load(place)

    assert known.select("conv2d") == ("ex04_conv", "conv2d")
    assert known.select("Conv2D") == ("ex05_pool", "Conv2D")
    with pytest.raises(UsageError, match="'CONV2D' could be any of ex04_conv::conv2d, ex05_pool::Conv2D"):
        known.select("CONV2D")


# our own modules


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x = 1\ndef f(:\n", "line 2: SyntaxError"),
        ("x = 1\n\nimport nonexistent_thing\n", "line 3: ModuleNotFoundError"),
        ("def f():\n    return 1 / 0\nf()\n", "line 2: ZeroDivisionError"),
    ],
)
def test_a_module_of_ours_that_does_not_run_is_our_fault(tmp_path, text, words):
    file = tmp_path / "mine.py"
    file.write_text(text)

    with pytest.raises(GraderFault) as caught:
        load(file, "mine")

    assert str(caught.value).startswith(f"{file}, {words}")


def test_a_module_of_ours_that_is_missing_is_our_fault(tmp_path, monkeypatch):
    with pytest.raises(GraderFault, match=r"mine\.py is missing"):
        load(tmp_path / "mine.py", "mine")
    monkeypatch.setattr("grader.references.root", lambda: tmp_path)
    with pytest.raises(GraderFault, match="is missing"):
        reference("ex99_nothing")


def test_every_copy_of_a_reference_is_its_own_and_leaves_no_bytecode(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text("x = []\n")
    one, other = load(file, "mine"), load(file, "mine")
    one.x.append(1)

    assert other.x == []
    assert [path.name for path in tmp_path.iterdir()] == ["mine.py"]


def test_misconceptions_come_in_the_order_of_their_file():
    found = misconceptions.of_exercise("ex03_output_size")

    assert found[0].name == "rounded_up"
    assert all(mistake.says and mistake.task for mistake in found)
    module = found[0].module()
    assert module.conv_output_size(6, 3, 2) == 3
    assert reference("ex03_output_size").conv_output_size(6, 3, 2) == 2
