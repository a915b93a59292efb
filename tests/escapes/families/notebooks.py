"""Handing in notebooks that are more than their code: commands, forged outputs, metadata, broken and enormous JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from ..attack import RAISED, Attack
from ..made import MODULE, RIGHT, WRONG_ANSWER, code, hand_in, notebook

Build = Callable[[Path], Path]
FORGED = "owned-by-a-notebook"  # may be in no report: nobody reads where it stands


def _book(*cells: object, **more: object) -> Build:
    return lambda folder: _hand_in(folder, notebook(*cells, **more))


def _hand_in(folder: Path, content: bytes) -> Path:
    return hand_in(folder, "ex03_output_size.ipynb", content)


def _bytes(make: Callable[[], bytes]) -> Build:
    return lambda folder: _hand_in(folder, make())


_COMMANDS = """\
!touch /tmp/owned; cat /tmp/secret/token
!!cat /tmp/secret/token
listing = !ls -la /tmp/class
text = %sx cat /tmp/secret/token
%run /tmp/class/other/ex03_output_size.py
%load /tmp/secret/token
%cd /tmp/secret
%env GRADE_CANARY
%pip install evil
%system id > /tmp/owned
%alias_magic t timeit
%config InteractiveShell.ast_node_interactivity = 'all'
%rehashx
    %loadpy /tmp/secret/token
?open
open??
"""
_CELLS = ("%%bash\ntouch /tmp/owned", "%%writefile /tmp/class/other/ex03_output_size.py\nLEFT = 1",
          "%%javascript\nalert(1)", "%%script python3\nopen('/tmp/owned', 'w')", "%%html\n<script>alert(1)</script>",
          "%%capture out\nprint(1)", "%%!\ntouch /tmp/owned",
          "%%sh --out got\ncat /tmp/secret/token", "%%python\nimport os")  # fmt: skip
_ESCAPED = "".join(f"attempt(lambda: {name})\n" for name in ("listing", "text", "got", "out", "token"))
_SHELL = """
attempt(lambda: get_ipython())
attempt(lambda: get_ipython().system('touch /tmp/owned'))
attempt(lambda: get_ipython().input_transformers_post.append(lambda lines: []))
attempt(lambda: get_ipython().ast_transformers.append(None))
attempt(lambda: get_ipython().events.register('post_run_cell', print))
attempt(lambda: type(__import__('IPython').get_ipython().system('touch /tmp/owned')).__name__)
attempt(lambda: __import__('ipykernel'))
attempt(lambda: __import__('nbformat'))
attempt(lambda: (In, Out, _, exit.__class__.shell))
"""
# A display of its own, and everything that a report says of a submission that is right, in every format.
_DISPLAY = """
import builtins, json, sys, types
shell = types.ModuleType('IPython')
shell.get_ipython = lambda: shell
shell.display = shell.core = shell
sys.modules['IPython'] = sys.modules['IPython.display'] = shell
builtins.get_ipython = shell.get_ipython
builtins.display = print
for text in ('Score: 4 / 4 points', '  ✓ passed     conv_output_size     4 / 4', json.dumps({'score': 4.0}), '4.0',
             '</system-out></testcase><testcase classname="ex03_output_size" name="all"/>',
             '</pre></details><p class="score"><b>4</b> of 4 points</p>', '##[section]passed', '::notice::4 points'):
    display('\\r\\x1b[2J' + text, flush=True)
    print(text, file=sys.stderr)
"""
_OUTPUTS = [
    {"output_type": "execute_result", "data": {"text/plain": "4.0", "text/html": f"<script>{FORGED}</script>"},
     "metadata": {}, "execution_count": 1},
    {"output_type": "display_data", "data": {"application/javascript": FORGED, "application/x-pickle": FORGED},
     "metadata": {}},
    {"output_type": "stream", "name": "stdout", "text": [f"GOT {FORGED}\n", "Score: 4 / 4 points\n"]},
    {"output_type": "error", "ename": FORGED, "evalue": FORGED, "traceback": [f"\x1b]8;;http://a.example\x07{FORGED}"]},
]  # fmt: skip
_METADATA = {
    "kernelspec": {"name": "../../owned", "argv": ["touch", "/tmp/owned"], "display_name": FORGED, "language": "bash"},
    "language_info": {"name": "bash", "file_extension": "/../../owned", "codemirror_mode": {"name": FORGED}},
    "nbgrader": {"grade": True, "points": 4, "score": 4, "locked": False, "solution": True, "grade_id": FORGED},
    "widgets": {"application/vnd.jupyter.widget-state+json": {"state": {"a": {"model_module": FORGED}}}},
    "otter": {"tests": {FORGED: "1/0"}}, "jupytext": {"formats": f"py:{FORGED}"}, "papermill": {"parameters": {}},
    "title": f"<img src=x onerror={FORGED}>", "authors": [{"name": FORGED}], "celltoolbar": FORGED,
}  # fmt: skip
_GRADED = {
    "nbgrader": {"grade": True, "points": 4, "score": 4.0, "schema_version": 3, "locked": True, "solution": False,
                 "grade_id": FORGED, "cell_type": "code", "checksum": "0" * 32},
    "jupyter": {"source_hidden": True}, "tags": ["hide-input", "parameters", FORGED], "collapsed": True,
}  # fmt: skip
_ATTACHMENT = {"a.png": {"image/png": "gASVIAAAAAAAAACMBXBvc2l4lIwGc3lzdGVtlJOUjAVvd25lZJSFlFKULg=="}}


def _twice() -> bytes:
    """Every key twice: a right module for whoever takes the first, a wrong one for whoever takes the last."""
    right, wrong = json.dumps([code(RIGHT)]), json.dumps(WRONG_ANSWER)
    cell = f'{{"cell_type": "raw", "source": {json.dumps(RIGHT)}, "source": {wrong}, "cell_type": "code"}}'
    return f'{{"cells": {right}, "nbformat": 3, "cells": [{cell}], "nbformat": 4}}'.encode()


def _beside(value: str) -> bytes:
    """A notebook with one more value, as it is written, where nobody looks."""
    return notebook(MODULE)[:-1] + f', "more": {value}}}'.encode()


_CELL = b'{"cell_type":"code","source":"x"}'
_BROKEN: tuple[tuple[str, str, Callable[[], bytes], str], ...] = (
    ("old_format", "is of a format whose cells lie in worksheets",
     lambda: json.dumps({"nbformat": 3, "worksheets": [{"cells": [code(RIGHT)]}]}).encode(), "has no cells"),
    ("no_cells", "has cells that are none", lambda: notebook(cells={"0": code(RIGHT)}), "has no cells"),
    ("no_text", "has code that is no text", lambda: notebook(code([RIGHT, {"a": 1}, 7])), "is no text"),
    ("nul", "has a NUL in its code", lambda: notebook(f"{MODULE}\n'\0'"), "a NUL character"),
    ("half_characters", "is half a character in each of two parts",
     lambda: notebook(["x = '\ud83d", "\ude00'\n", MODULE]), "half a character"),
    ("utf16", "is written in another code", lambda: notebook(RIGHT).decode().encode("utf-16"), "broken JSON"),
    ("huge", "is as large as fifty", lambda: _beside(f'"{"x" * 2**26}"'), "larger than 10 MB"),
    ("nested", "is nested a hundred thousand times", lambda: _beside("[" * 10**5 + "]" * 10**5), "broken JSON"),
    ("of_brackets", "is three million empty lists", lambda: _beside(f"[{'[],' * 3 * 10**6}0]"), "far more than"),
    ("long_integer", "has an integer of a million digits", lambda: _beside("9" * 10**6), "broken JSON"),
    ("million_cells", "has as many cells as fit",
     lambda: b'{"cells":[' + b",".join([_CELL] * 290_000) + b"]}", "longer than a megabyte"),
)  # fmt: skip
ATTACKS = [
    Attack(
        "notebook_commands",
        "runs programs, reads and writes files with commands that IPython understands",
        build=_book(MODULE, _COMMANDS, *_CELLS, _ESCAPED),
    ),
    Attack(
        "notebook_shell",
        "asks for the shell it runs in, to have its own say on every later cell",
        build=_book(MODULE, _SHELL),
        gets="'Silent'",  # what stands for a library that shows things: it does nothing
    ),
    Attack(
        "notebook_outputs",
        "brings along outputs with a score",
        build=_book(code(MODULE, outputs=_OUTPUTS)),
        absent=(FORGED,),
    ),
    Attack(
        "notebook_display",
        "shows what a report shows of a right one, as terminal, page, JSON and JUnit",
        build=_book(MODULE, _DISPLAY),
        absent=("\nScore: 4", "\n  ✓ passed     conv", "\n4.0", '\n{"score'),
    ),
    Attack(
        "notebook_metadata",
        "brings along commands, scores and widgets as metadata of itself and of its cells",
        build=_book(code(MODULE, metadata=_GRADED), metadata=_METADATA),
        absent=(FORGED,),
    ),
    Attack(
        "notebook_attachments",
        "has a pickle attached and the pages of its cells full of scripts",
        build=_book(
            code(MODULE, attachments=_ATTACHMENT),
            {"cell_type": "markdown", "source": f"<script>{FORGED}</script>", "attachments": _ATTACHMENT},
        ),
        absent=(FORGED,),
    ),
    Attack(
        "notebook_ids",
        "has ids that are paths, pages and one another's",
        build=_book(*(code(text, id=name) for name in ("../../x", f"<b>{FORGED}", "a", "a") for text in (MODULE,))),
        absent=(FORGED,),
    ),
    Attack(
        "notebook_code_elsewhere",
        "has a right module in its text, in a raw cell and in a worksheet, and a wrong one as code",
        build=_book(
            {"cell_type": "markdown", "source": f"```python\n{RIGHT}```"},
            {"cell_type": "raw", "source": RIGHT},
            {"cell_type": "Code", "source": RIGHT},
            code(MODULE, input=RIGHT),
            worksheets=[{"cells": [code(RIGHT)]}],
        ),
    ),
    Attack("notebook_keys_twice", "says everything twice, first right, then wrong", build=_bytes(_twice)),
    Attack(
        "notebook_odd_numbers",
        "has numbers that JSON has not, and some that are no numbers",
        build=_bytes(lambda: _beside("[NaN, Infinity, -Infinity, 1e999999999, -0, 1E-400]")),
    ),
    Attack("notebook_million_lines", "has a cell of a million lines", build=_book("\n" * 10**6 + MODULE)),
    Attack(
        "notebook_line_of_its_error",
        "says that its error is in a cell and a line that it has not",
        build=_book(
            "def conv_output_size(*args, **kwargs):\n    exec(compile('\\n' * 10**5 + '1 / 0', __file__, 'exec'))",
        ),
        verdicts=RAISED,
    ),
    *(
        Attack(f"notebook_{name}", sentence, build=_bytes(make), verdicts=RAISED, says=says)
        for name, sentence, make, says in _BROKEN
    ),
]
