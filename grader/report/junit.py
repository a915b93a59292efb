"""Report -> JUnit XML, which CI systems show as a list of tests.

What lives here: one test case a check, made from the report alone. No test of ours and no line of its source is in it.
A task of which nothing was checked is a skipped test case of its own, so that no system counts silence as success.
"""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element, SubElement, indent, tostring  # writes XML, parses none

from grader.model import CheckResult, Counterexample, ExerciseResult, Report, Shown, TaskResult, TensorView, Verdict

from . import planes, words

SKIPPED = {Verdict.TODO, Verdict.NOT_RUN}

# XML 1.0, section 2.2: what may not stand in a document, not even as a character reference.
NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(report: Report) -> str:
    """The report as XML text: a test suite an exercise, a test case a check."""
    root = Element("testsuites", name=_line(report.submission))
    for exercise in report.exercises:
        _suite(root, exercise)
    _count(root)
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _suite(root: Element, exercise: ExerciseResult) -> None:
    suite = SubElement(root, "testsuite", name=exercise.name)
    for task in exercise.tasks:
        if exercise.missing or not task.checks:
            said = "not in this submission" if exercise.missing else "nothing was checked"
            SubElement(_case(suite, exercise, task, task.name), "skipped", message=said)
            continue
        for check in task.checks:
            _check(suite, exercise, task, check)
    _count(suite)


def _case(suite: Element, exercise: ExerciseResult, task: TaskResult, name: str, seconds: float = 0.0) -> Element:
    return SubElement(
        suite, "testcase", classname=f"{exercise.name}.{task.name}", name=_line(name), time=f"{seconds:.3f}"
    )


def _check(suite: Element, exercise: ExerciseResult, task: TaskResult, check: CheckResult) -> None:
    case = _case(suite, exercise, task, check.spec.title, check.duration_s)
    if check.verdict in SKIPPED:
        said = f": {words.waiting_for(check, exercise)}" if check.verdict is Verdict.NOT_RUN else ""
        SubElement(case, "skipped", message=_line(words.VERDICTS[check.verdict] + said))
    elif check.verdict is not Verdict.PASSED:
        kind = "error" if check.verdict is Verdict.FAULT else "failure"
        said = check.message or words.VERDICTS[check.verdict]
        SubElement(case, kind, type=check.verdict.value, message=_line(said)).text = _detail(check, task)
    if check.printed.strip():
        SubElement(case, "system-out").text = _quoted(check.printed.rstrip("\n"))


def _detail(check: CheckResult, task: TaskResult) -> str:
    """Everything about a failing check as lines of text."""
    lines = [words.VERDICTS[check.verdict]]
    lines += [f"{words.line(check.place)} of the submitted file"] if check.place is not None else []
    lines += [check.message] if check.message else []
    lines += _example(check.counterexample) if check.counterexample else []
    lines += [task.diagnosis] if task.diagnosis else []
    return "\n".join(_quoted(line) for line in lines)


def _example(example: Counterexample) -> list[str]:
    lines = [f"call: {example.call}", *(f"{name} = {_value(value)}" for name, value in example.inputs)]
    lines += [f"expected: {_value(example.expected)}"] if example.expected is not None else []
    lines += [f"got: {_value(example.got)}"] if example.got is not None else []
    return lines + ([example.where] if example.where else [])


def _value(value: Shown) -> str:
    """A tensor by type, shape and its first values; any other value as its text."""
    if not isinstance(value, TensorView):
        return value
    numbers = [planes.number(element) for element in planes.elements(value).values()]
    if not numbers:
        return planes.headline(value)
    return f"{planes.headline(value)}: {' '.join(numbers[:64])}{' …' if len(numbers) > 64 else ''}"


def _count(element: Element) -> None:
    """Writes the attributes that summarise the cases inside."""
    cases = list(element.iter("testcase"))
    element.set("tests", str(len(cases)))
    for kind in ("failure", "error", "skipped"):
        plural = {"failure": "failures", "error": "errors"}.get(kind, kind)
        element.set(plural, str(sum(case.find(kind) is not None for case in cases)))
    element.set("time", f"{sum(float(case.get('time', '0')) for case in cases):.3f}")


def _line(text: str) -> str:
    return NOT_XML.sub("\ufffd", words.line(text))


def _quoted(text: str) -> str:
    """Each line behind a bar: printed to a CI log, none of them begins like a command to it."""
    return "\n".join(f"| {line}" for line in NOT_XML.sub("\ufffd", words.block(text)).split("\n"))
