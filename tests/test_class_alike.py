"""Which sources are alike: copies under other names are found, the stub does not count, and no text can stop it."""

from __future__ import annotations

import time

import pytest

from grader.classview.alike import FEW, FEW_WORDS, WORDS, compare, fingerprint

STUB = '''"""The statement."""
import torch


def conv2d(x, weight):
    """Cross-correlate."""
    raise NotImplementedError
'''
ONE = '''"""The statement."""
import torch


def conv2d(x, weight):
    """Cross-correlate."""
    n, c, h, w = x.shape
    o, _, kh, kw = weight.shape
    out = x.new_zeros(n, o, h - kh + 1, w - kw + 1)
    for i in range(h - kh + 1):
        for j in range(w - kw + 1):
            window = x[:, :, i : i + kh, j : j + kw]
            out[:, :, i, j] = torch.einsum("nchw,ochw->no", window, weight)
    return out
'''
COPY = '''import torch
# all my own work


def conv2d(x, weight):
    """Nothing to see here."""
    batch, channels, height, width = x.shape   # shapes
    filters, _, rows, columns = weight.shape
    answer = x.new_zeros(batch, filters, height - rows + 1, width - columns + 1)
    for row in range(height - rows + 1):
        for column in range(width-columns+1):
            seen = x[:, :, row : row + rows, column : column + columns]
            answer[:, :, row, column] = torch.einsum('nchw,ochw->no', seen, weight)
    return answer
'''
OTHER = """import torch


def conv2d(x, weight):
    windows = x.unfold(2, weight.shape[2], 1).unfold(3, weight.shape[3], 1)
    columns = windows.permute(0, 2, 3, 1, 4, 5).flatten(3)
    flat = columns @ weight.flatten(1).T
    if flat.dim() != 4 or not flat.is_floating_point():
        raise ValueError("x has to be four-dimensional and of a floating type, as weight is")
    answer = flat.movedim(-1, 1).contiguous()
    assert answer.shape[0] == x.shape[0], "one result an image"
    return answer.clone()
"""


def pairs(**sources: str):
    return compare([(name, {"ex04": text}) for name, text in sources.items()], {"ex04": STUB}).pairs


def test_a_copy_under_other_names_is_found_and_another_solution_is_not():
    found = pairs(ada=ONE, bob=OTHER, cy=COPY)

    assert [(pair.one, pair.other, pair.percent) for pair in found] == [("ada", "cy", 100)]


def test_what_everybody_was_given_does_not_count():
    assert fingerprint(STUB, frozenset(line.strip() for line in STUB.splitlines())) == ""
    assert pairs(ada=STUB, bob=STUB) == ()


def test_too_little_of_ones_own_says_nothing():
    short = "def f(x):\n    return torch.relu(x + 1)\n"

    assert len(fingerprint(short, frozenset())) < FEW_WORDS
    assert pairs(ada=short, bob=short) == ()


def test_where_nearly_all_are_alike_nothing_follows():
    found = compare([(str(index), {"ex04": ONE}) for index in range(FEW)], {"ex04": STUB})

    assert (found.pairs, found.uniform) == ((), ("ex04",))


def test_the_usual_likeness_is_told_and_the_most_conspicuous_come_first():
    sources = [(str(index), {"ex04": OTHER + f"x = f{index}(y).g{index}()\n" * 20 * index}) for index in range(6)]
    found = compare([*sources, ("ada", {"ex04": ONE}), ("cy", {"ex04": COPY})], {"ex04": STUB}).pairs

    assert (found[0].one, found[0].other) == ("ada", "cy")
    assert 0 < found[0].usual < 90


@pytest.mark.parametrize(
    "text",
    ["", "\x00", '"""' * 9999, "'" * 99_999, '"\\' * 50_000, "(" * 99_999, "\ud800 " * 999, "é" * 99_999, "a." * 99_999,
     "\n" * 200_000, "1" * 99_999, "# " * 99_999, "\u2028x" * 9999, ". " * 99_999, "x \t" * 99_999],
)  # fmt: skip
def test_no_text_stops_or_delays_it(text):
    started = time.process_time()

    assert len(fingerprint(text, frozenset())) <= WORDS
    assert len(fingerprint(text.replace(" ", "\n"), frozenset())) <= WORDS
    assert time.process_time() - started < 2.0


def test_a_class_of_500_takes_seconds():
    sources = [(str(index), {"ex04": ONE.replace("window", f"w{index}") + OTHER * (index % 7)}) for index in range(500)]
    started = time.process_time()
    compare(sources, {"ex04": STUB})

    assert time.process_time() - started < 10.0
