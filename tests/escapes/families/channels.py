"""Every way by which words of a learner's get into a report, each with words that act (which: injection.py).

Names and texts of values, types, errors, functions, parameters, files, archives and submissions; and what no Python
object can say, written straight to the channel.
"""

from __future__ import annotations

import os
from pathlib import Path

from ..attack import DEAD, RAISED, TURNED_AWAY, WRONG, Attack
from ..made import MODULE, NAME, hand_in, notebook, zipped
from .injection import ALL, ANSI, COMMANDS, FORMULAS, HTML

_TEXT = f"TEXT = {ALL!r}\n"
_NAME = "NAME = TEXT.replace('\\0', '').encode('utf-8', 'replace').decode()\n"

_TYPE = f"""{_TEXT}{_NAME}
say = lambda self, *args: TEXT
Odd = type('Odd', (), {{'__repr__': say, '__str__': say, '__format__': say, '__doc__': TEXT}})
Odd.__name__ = Odd.__qualname__ = Odd.__module__ = NAME
def conv_output_size(*args, **kwargs):
    return Odd()
"""
_VALUES = f"""{_TEXT}
def conv_output_size(size, *args, **kwargs):
    return [TEXT, {{TEXT: [TEXT], (TEXT, 1): 2}}, TEXT.encode('utf-8', 'replace')] if size % 2 else TEXT
"""
_SYNTAX = f"""{_TEXT}
raise SyntaxError(TEXT, (__file__, 10**9, -10**9, TEXT, 2, -3))
"""
_CHAIN = f"""{_TEXT}
class Sly(str):
    def __getitem__(self, key): return Sly(TEXT * 50)
    def encode(self, *args): return TEXT.encode('utf-8', 'surrogatepass') * 50
    def __str__(self): return self
class Odd(ExceptionGroup):
    def __str__(self): return Sly(TEXT)
def conv_output_size(*args, **kwargs):
    error = Odd('x', [KeyError(TEXT), ValueError(TEXT)])
    error.add_note(TEXT)
    raise error from KeyError(TEXT)
"""
_FUNCTION = f"""{_TEXT}{_NAME}
def conv_output_size():
    pass
conv_output_size.__qualname__ = conv_output_size.__name__ = NAME
conv_output_size.__doc__ = conv_output_size.__module__ = TEXT
"""
_LOADING = f"""{_TEXT}
__doc__ = __name__ = __file__ = TEXT
print(TEXT)
raise type('Odd', (ImportError,), {{}})(TEXT, name=TEXT, path=TEXT)
"""
_EXIT = f"{_TEXT}\ndef conv_output_size(*args, **kwargs):\n    raise SystemExit(TEXT)\n"
_MEMORY = f"{_TEXT}\ndef conv_output_size(*args, **kwargs):\n    raise MemoryError(TEXT)\n"
_LAYER = f"""{_TEXT}{_NAME}
import torch
from torch import nn
class Conv2d(nn.Module):
    def __init__(self, *args, **kwargs):
        super().__init__()
        for start in range(0, len(NAME), 100):
            name = NAME[start:start + 100].replace('.', ' ')
            self.register_parameter(name, nn.Parameter(torch.zeros(1)))
            self.register_buffer(f'{{name}}2', torch.zeros(1))
            self.add_module(f'{{name}}3', nn.Linear(1, 1))
    def forward(self, x):
        return x
    def extra_repr(self):
        return TEXT
    def __getattr__(self, name):
        raise AttributeError(TEXT)
Conv2d.__name__ = Conv2d.__qualname__ = NAME
"""
# Straight into the frames, past every limit that the worker keeps to: names of any length, lines that are none.
_FRAME = f"""{_TEXT}
import worker.serve, worker.wire
def forged(error, filename):
    return worker.wire.Failure('raised', TEXT * 50, [TEXT] * 50, TEXT * 200, -5, -7)
def conv_output_size(*args, **kwargs):
    worker.serve.failure_from = forged
    raise ValueError
"""
_OPAQUE = f"""{_TEXT}
import worker.values, worker.wire
def pack(self, value, depth=0):
    odd = worker.wire.OpaqueV(TEXT * 50, TEXT * 200)
    return worker.wire.DictV([(odd, odd), (TEXT, worker.wire.ListV([odd] * 5))])
def conv_output_size(*args, **kwargs):
    worker.values.Packer.pack = pack
"""
_KINDS = f"""{_TEXT}
import worker.serve, worker.wire
kinds = iter(['refused', 'unsendable', 'memory', 'missing', TEXT] * 1000)
def conv_output_size(*args, **kwargs):
    worker.serve.failure_from = lambda error, name: worker.wire.Failure(next(kinds), TEXT, [], TEXT * 500, 10**9)
    raise ValueError
"""
_PIPE = f"""{_TEXT}
import os
for _ in range(40):
    os.write(1, TEXT.encode('utf-8', 'surrogatepass') * 20)
    os.write(2, bytes(range(256)) * 20)
def conv_output_size(*args, **kwargs):
    os.write(1, b'\\xff\\xfe\\x9b2J\\xc2\\x9b2J\\xe2\\x80')
    return -1
"""

_BAD_NAMES = tuple(text[:110].replace("/", "\u2215").replace("\0", "") for text in (HTML, ANSI, FORMULAS, COMMANDS))


def _called(folder: Path) -> Path:
    """A submission whose own name acts."""
    inner = os.fsencode(folder) + b"/" + "".join(_BAD_NAMES)[:60].encode() + b"\n::error::\xff ##[error] .zip"
    with open(inner, "wb") as file:
        file.write(zipped([(NAME, MODULE)]))
    return Path(os.fsdecode(inner))


def _notebook_called(folder: Path) -> Path:
    """Stand-ins, whose names are said again in every error that is theirs."""
    name = f"ex03 {_BAD_NAMES[0][:60]}\n::error::\x1b[2J ##[x].ipynb"
    hand_in(folder, name, notebook(f"{MODULE}\nraise ValueError(__file__)"))
    return folder


def _entries_called(folder: Path) -> Path:
    """What is left out is said by its name."""
    names = [
        f"{place}ex03 {text}.{suffix}"
        for text in _BAD_NAMES
        for place, suffix in (("", "zip"), ("a/", "py"), ("../", "py"))
    ]
    return hand_in(folder, "alice.zip", zipped([(NAME, MODULE), *((name, MODULE) for name in names)]))


def _not_accepted(folder: Path) -> Path:
    """Nothing is graded: what is said is said by the command itself."""
    return hand_in(folder, f"a\n::error::x\r\x1b[2J ##[error] {_BAD_NAMES[0][:60]}.exe", b"")


ATTACKS = [
    Attack("channel_type", "returns something whose type and text act", _TYPE),
    Attack("channel_values", "returns strings, keys and bytes that act", _VALUES),
    Attack(
        "channel_syntax", "raises the error of a syntax with a text and a line of its own", _SYNTAX, verdicts=RAISED
    ),
    Attack("channel_chain", "raises groups, notes and causes, and a text that is none", _CHAIN, verdicts=RAISED | DEAD),
    Attack("channel_function", "gives its function a name that Python says in its errors", _FUNCTION, verdicts=RAISED),
    Attack(
        "channel_loading", "gives its module a name, prints and fails while it is loaded", _LOADING, verdicts=RAISED
    ),
    Attack("channel_exit", "ends with words", _EXIT, verdicts=DEAD),
    Attack("channel_memory", "runs out of memory with words", _MEMORY, verdicts=DEAD),
    Attack(
        "channel_parameters",
        "gives its layer, its parameters, buffers and parts names that act",
        _LAYER,
        target="ex04_conv::Conv2d",
        verdicts=WRONG | RAISED | DEAD,
    ),
    Attack(
        "channel_frame",
        "forges the frame of a failure, with names and texts of any length",
        _FRAME,
        verdicts=RAISED | DEAD,
    ),
    Attack("channel_opaque", "forges values that no object of Python's is", _OPAQUE, verdicts=WRONG | DEAD),
    Attack(
        "channel_kinds", "forges every kind of failure in turn", _KINDS, verdicts=RAISED | DEAD | {"refused", "todo"}
    ),
    Attack("channel_pipe", "writes what is no text to its output", _PIPE),
    Attack("channel_submission", "is called what acts", build=_called),
    Attack("channel_notebook", "hands in a notebook that is called so", build=_notebook_called, verdicts=RAISED),
    Attack("channel_entries", "holds files that are called so", build=_entries_called),
    Attack(
        "channel_not_accepted", "is called so and is nothing that is graded", build=_not_accepted, verdicts=TURNED_AWAY
    ),
]
