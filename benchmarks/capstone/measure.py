"""How far right, dense and broken solutions of ex12_capstone come: the figures of docs/capstone.md.

    OMP_NUM_THREADS=1 python benchmarks/capstone/measure.py FILE.py [FILE.py …] --fresh --seeds 20

Trains in this process, one thread, on sets of the size that grading uses but with a seed of their own; a line a
solution and task: how many seeds reach the threshold, the figure, and CPU seconds. `--fresh` gives every seed a
training and a test set of its own.
"""

from __future__ import annotations

import argparse
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
    asked = parser.parse_args()
    torch.set_num_threads(1)
    for file in asked.files:
        for name, module, task in solutions(file, asked.task or list(TASKS)):
            measure, full = TASKS[task]
            runs = [measured(measure, module, seed, seed if asked.fresh else 0) for seed in range(asked.seeds)]
            values, seconds = zip(*runs, strict=True)
            passed = sum(value >= full for value in values)
            print(
                f"{name} · {task}: {passed} of {len(values)} reach {full:.2f}; least {min(values):.3f}, "
                f"median {statistics.median(values):.3f}, most {max(values):.3f}; "
                f"{statistics.median(seconds):.1f} s of CPU, at most {max(seconds):.1f}",
                flush=True,
            )


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
