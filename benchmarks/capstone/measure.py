"""How far right, dense and broken solutions of ex12_capstone come: the figures of docs/capstone.md.

    OMP_NUM_THREADS=1 python benchmarks/capstone/measure.py FILE.py [FILE.py …] --fresh --seeds 20

Trains in this process, one thread, on sets of the size that grading uses but with a seed of their own; a line a
solution and task: how many seeds reach the threshold, the figure, and CPU seconds. `--fresh` gives every seed a
training and a test set of its own.

With `--tries 3` it plays verdicts: where a seed falls short, a second and a third one are tried on the same sets, as in
grading; it says how many verdicts are full marks, and between which exact bounds (Clopper and Pearson, 95 percent) that
rate and the rate of a single training lie. `--keep FILE` writes every training down at once and repeats none that is
there, so that a long measurement may be stopped and gone on with.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from grader.checker.compare import Mismatch
from grader.datasets import tensors
from grader.measure import metrics, predictions
from grader.references import load

BATCH = 50
Measured = Callable[[Any, int], float]


def classifier(module: Any, seed: int, data: int) -> tuple[float, float]:
    images, labels = tensors.classification(2500, data)
    new, truth = tensors.classification(1000, data, "test")
    model, took = timed(lambda: module.train_classifier(images, labels, 3, seed=seed))
    said = [predictions.classes(answer, len(answer), 3) for answer in answers(model, new)]
    return metrics.accuracy(torch.cat(said), truth), took


def segmenter(module: Any, seed: int, data: int) -> tuple[float, float]:
    images, masks = tensors.segmentation(800, data)
    new, truth = tensors.segmentation(200, data, "test")
    model, took = timed(lambda: module.train_segmenter(images, masks, 4, seed=seed))
    said = [predictions.classes(answer, len(answer), 4, (64, 64)) for answer in answers(model, new)]
    return metrics.mean_iou(torch.cat(said), truth, 4), took


def detector(module: Any, seed: int, data: int) -> tuple[float, float]:
    images, boxes, labels = tensors.detection(800, data)
    new, true_boxes, true_labels = tensors.detection(200, data, "test")
    model, took = timed(lambda: module.train_detector(images, boxes, labels, 3, seed=seed))
    said = [found for answer in answers(model, new) for found in predictions.detections(answer, len(answer), 3)]
    return metrics.mean_average_precision(said, true_boxes, true_labels), took


def answers(model: Any, new: torch.Tensor) -> list[Any]:
    with torch.no_grad():
        return [model(part) for part in new.split(BATCH)]


def timed(train: Callable[[], Any]) -> tuple[Any, float]:
    begun = time.process_time()
    model = train()
    return model, time.process_time() - begun


TASKS = {
    "train_classifier": (classifier, 0.95),
    "train_segmenter": (segmenter, 0.80),
    "train_detector": (detector, 0.60),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--task", choices=TASKS, action="append")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--fresh", action="store_true")
    parser.add_argument("--tries", type=int, default=1)
    parser.add_argument("--keep", type=Path)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    for file in asked.files:
        kept = Kept(asked.keep, file)
        for name, module, task in solutions(file, asked.task or list(TASKS)):
            measure, full = TASKS[task]
            verdicts = []
            for seed in range(asked.seeds):
                data, runs = seed if asked.fresh else 0, []
                while len(runs) < asked.tries and not (runs and runs[-1][0] >= full):
                    drawn = seed + APART * len(runs)
                    runs.append(kept.run(name, task, drawn, data, lambda: measured(measure, module, drawn, data)))  # noqa: B023
                verdicts.append(runs)
            print(f"{name} · {task}: {told([runs[0] for runs in verdicts], full)}", flush=True)
            if asked.tries > 1:
                print(f"  {told_of_verdicts(verdicts, full)}", flush=True)


APART = 10_000  # between the seeds of a first, a second and a third training on one set
Run = tuple[float, float]  # the figure, CPU seconds


def told(runs: list[Run], full: float) -> str:
    values, seconds = zip(*runs, strict=True)
    passed = sum(value >= full for value in values)
    return (
        f"{passed} of {len(values)} reach {full:.2f}; least {min(values):.3f}, "
        f"median {statistics.median(values):.3f}, most {max(values):.3f}; "
        f"{statistics.median(seconds):.1f} s of CPU, at most {max(seconds):.1f}"
    )


def told_of_verdicts(verdicts: list[list[Run]], full: float) -> str:
    full_marks = sum(runs[-1][0] >= full for runs in verdicts)
    singles = [run for runs in verdicts for run in runs]
    further = [run for runs in verdicts for run in runs[1:]]
    short, again = (sum(value < full for value, _ in some) for some in (singles, further))
    return (
        f"{full_marks} of {len(verdicts)} verdicts are full marks, {bounds(full_marks, len(verdicts))}; "
        f"of all {len(singles)} trainings {short} fall short, {bounds(short, len(singles))}; "
        f"of {len(further)} second and third ones {again}"
    )


def bounds(hits: int, count: int) -> str:
    """The exact two-sided bounds of a rate at 95 percent: each tail of the binomial distribution has 2.5."""

    def at_most(k: int, rate: float) -> float:
        return sum(math.comb(count, i) * rate**i * (1 - rate) ** (count - i) for i in range(k + 1))

    def where(says: Callable[[float], bool]) -> float:
        low, high = 0.0, 1.0
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if says(middle) else (low, middle)
        return low

    least = where(lambda rate: 1 - at_most(hits - 1, rate) < 0.025) if hits else 0.0
    most = where(lambda rate: at_most(hits, rate) > 0.025) if hits < count else 1.0
    return f"{100 * least:.1f} to {100 * most:.1f} percent"


class Kept:
    """Trainings that were done already, a line of JSON each. A solution that has changed since begins anew."""

    def __init__(self, file: Path | None, solution: Path) -> None:
        self.file, self.known = file, {}
        self.bytes = hashlib.sha256(solution.read_bytes()).hexdigest()[:16]
        if file is not None and file.exists():
            for line in file.read_text("utf-8").splitlines():
                *key, value, took = json.loads(line)
                self.known[tuple(key)] = value, took

    def run(self, name: str, task: str, seed: int, data: int, make: Callable[[], Run]) -> Run:
        key = self.bytes, name, task, seed, data
        if key not in self.known:
            self.known[key] = make()
            if self.file is not None:
                with self.file.open("a", encoding="utf-8") as out:
                    out.write(json.dumps([*key, *self.known[key]]) + "\n")
        return self.known[key]


def solutions(file: Path, tasks: list[str]) -> Iterator[tuple[str, Any, str]]:
    """(name, what has the functions, task): of a solution, or of a file with several in VARIANTS."""
    module = load(file, file.stem)
    for name, one in getattr(module, "VARIANTS", {file.stem: module}).items():
        yield from ((name, one, task) for task in tasks if hasattr(one, task))


def measured(measure: Any, module: Any, seed: int, data: int) -> tuple[float, float]:
    """An answer that cannot be measured is worth 0, as in grading."""
    try:
        value, took = measure(module, seed, data)
    except Mismatch as error:
        print(f"  seed {seed}: {error}")
        return 0.0, 0.0
    return value, took


if __name__ == "__main__":
    main()
