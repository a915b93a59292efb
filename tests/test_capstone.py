"""ex12 across the wall: what is not trained earns nothing and is told why, and nothing hidden reaches a worker."""

from __future__ import annotations

import importlib.util
import textwrap

import pytest
import torch
from kit import ROOT, grade, task

from grader.datasets import tensors
from grader.measure import predictions, symptoms, symptoms_of_boxes

HEAD = """
    import torch
    from torch import nn

    class Model(nn.Module):
        def __init__(self, answer):
            super().__init__()
            self.answer = answer
        def forward(self, *args, **kwargs):
            x, = args  # the pictures and nothing else
            if kwargs or x.dtype != torch.float32 or x.shape[1] != 3:
                raise ValueError("something else than pictures")
            return self.answer(x)
"""
CASES = {
    "one class": (
        "train_classifier",
        "def train_classifier(images, labels, num_classes, seed):\n"
        "    return Model(lambda x: torch.eye(num_classes)[[1] * len(x)]).eval()",
        f"answers class 1 (square) to nearly every picture. {symptoms.ONE_CLASS}",
    ),
    "the labels of the training by heart": (
        "train_classifier",
        "def train_classifier(images, labels, num_classes, seed):\n"
        "    known = {image.numpy().tobytes(): int(label) for image, label in zip(images, labels)}\n"
        "    def answer(x):\n"
        "        return torch.eye(3)[[known.get(one.numpy().tobytes(), n % 3) for n, one in enumerate(x)]]\n"
        "    return Model(answer).eval()",
        symptoms.MEMORISED,
    ),
    "logits that are no numbers": (
        "train_classifier",
        "def train_classifier(images, labels, num_classes, seed):\n"
        "    return Model(lambda x: torch.full((len(x), 3), float('nan'))).eval()",
        predictions.DIVERGED,
    ),
    "classes for logits": (
        "train_segmenter",
        "def train_segmenter(images, masks, num_classes, seed):\n"
        "    return Model(lambda x: torch.zeros(len(x), 64, 64)).eval()",
        predictions.WITHOUT_ARGMAX,
    ),
    "ground everywhere": (
        "train_segmenter",
        "def train_segmenter(images, masks, num_classes, seed):\n"
        "    return Model(lambda x: torch.eye(4)[0, :, None, None].expand(len(x), 4, 64, 64)).eval()",
        "answers class 0 (ground) for nearly every pixel",
    ),
    "a bit of everything everywhere": (
        "train_detector",
        "def train_detector(images, boxes, labels, num_classes, seed):\n"
        "    side = torch.arange(0, 48, 8.0)\n"
        "    corners = torch.cartesian_prod(side, side)\n"
        "    places = torch.cat([corners, corners + 20], 1).repeat(3, 1)\n"
        "    kinds = torch.arange(3).repeat_interleave(36)\n"
        "    return lambda x: [(places, torch.ones(108), kinds)] * len(x)",
        None,
    ),
    "nothing found": (
        "train_detector",
        "def train_detector(images, boxes, labels, num_classes, seed):\n"
        "    empty = torch.zeros(0, 4), torch.zeros(0), torch.zeros(0, dtype=torch.int64)\n"
        "    return lambda x: [empty] * len(x)",
        symptoms_of_boxes.NOTHING,
    ),
    "a hundred thousand boxes": (
        "train_detector",
        "def train_detector(images, boxes, labels, num_classes, seed):\n"
        "    n = 10**5\n"
        "    many = torch.zeros(n, 4), torch.zeros(n), torch.zeros(n, dtype=torch.int64)\n"
        "    return lambda x: [many] * len(x)",
        "more than 4096",
    ),
    "no model": (
        "train_detector",
        "def train_detector(images, boxes, labels, num_classes, seed):\n    Model(None)",
        "has to return the trained model; it returned None",
    ),
}


@pytest.mark.parametrize(("name", "text", "says"), CASES.values(), ids=CASES)
def test_what_has_learnt_nothing_earns_nothing_and_is_told_why(grader, name, text, says):
    report = grade(grader, "ex12_capstone", textwrap.dedent(HEAD) + "\n\n" + text, frozenset({name}))

    found = task(report, name)
    messages = [check.message or "" for check in found.checks]
    assert found.score == 0.0, messages
    assert says is None or any(says in message for message in messages), messages
    assert not any("something else than pictures" in message for message in messages)


def test_a_set_cannot_be_found_by_trying_seeds_and_splits_share_nothing():
    spec = importlib.util.spec_from_file_location("ex12", ROOT / "grader" / "checks" / "test_ex12_capstone.py")
    checks = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(checks)

    assert checks.SECRET.bit_length() > 150
    train, test = checks.single("train", 2500)[0], checks.new_singles()[0]
    assert len(train) == 2500
    assert not {image.numpy().tobytes() for image in train} & {image.numpy().tobytes() for image in test}
    for seed in range(20):
        assert not torch.equal(tensors.classification(1, seed, "test")[0][0], test[0])
    for folder in ("exercises", "docs", "examples", "datasets"):
        for file in (ROOT / folder).rglob("*"):
            assert not file.is_file() or str(checks.SECRET).encode() not in file.read_bytes(), file
