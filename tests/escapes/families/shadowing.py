"""Handing in files named like something of ours: libraries, plugins, settings; and doing the same inside the worker."""

from __future__ import annotations

import importlib.util
import marshal
import os
import struct
from collections.abc import Sequence
from pathlib import Path

from .. import cli_runs
from ..attack import DEAD, WRONG, Attack
from ..made import CLASSMATE, NAME, RIGHT, WRONG_ANSWER, hand_in

# Whoever imports it outside a worker has left a mark.
BAIT = "open('/tmp/owned', 'a').write(__name__ + '\\n')\n"
_SHELL_BAIT = '#!/bin/sh\necho "$0" >> /tmp/owned\nexit 0\n'
# Of the libraries, of Python's own modules that are imported late, and names that somebody looks for.
_LIBRARIES = (
    "torch numpy hypothesis pytest conftest _pytest pluggy msgspec typer click rich jinja2 markupsafe platformdirs "
    "packaging landlockpy pyseccomp _hypothesis_pytestplugin _hypothesis_ftz_detector worker tests checks evil"
)
_PYTHON = "typing struct json re enum types abc zipfile unicodedata sitecustomize usercustomize readline rlcompleter " \
          "antigravity site os io codecs encodings runpy pkgutil contextlib functools dataclasses ctypes tomllib " \
          "hashlib subprocess socket tempfile shutil random logging inspect ast tokenize traceback linecache decimal " \
          "secrets __init__ __main__ setup noxfile tasks manage"  # fmt: skip
_SETTINGS = {
    "pytest.ini": "[pytest]\naddopts = -p evil --collect-only\npython_files = *.py\n",
    ".pytest.ini": "[pytest]\naddopts = -p evil\n",
    "pytest.toml": "[pytest]\naddopts = ['-p', 'evil']\n",
    "pyproject.toml": "[tool.pytest.ini_options]\naddopts = '-p evil'\npythonpath = ['.']\n",
    "setup.cfg": "[tool:pytest]\naddopts = -p evil\n",
    "tox.ini": "[pytest]\naddopts = -p evil\n",
    "hypothesis.ini": "[hypothesis]\nmax_examples = 1\n",
    ".env": "PYTHONPATH=.\nPYTHONSTARTUP=evil.py\nPYTEST_ADDOPTS=-p evil\nLD_PRELOAD=./evil.so\n",
    ".pdbrc": "import evil\n",
    "evil.pth": "import evil\n",
    "python311._pth": ".\nimport site\n",
    "pyvenv.cfg": "home = .\ninclude-system-site-packages = true\n",
    "evil-1.dist-info/entry_points.txt": "[pytest11]\nevil = evil\n[hypothesis]\nevil = evil\n",
    "evil-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: evil\nVersion: 1\n",
    "cnn_grader-9.dist-info/METADATA": "Metadata-Version: 2.1\nName: cnn-grader\nVersion: 9\n",
    "course.toml": "title = 'mine'\n[limits]\n",
    "exercises/course.toml": "title = 'mine'\n[limits]\ncall_seconds = 9999\n[[exercise]]\nname = 'ex03_output_size'\n",
    f"solutions/{NAME}": WRONG_ANSWER,
    "grader/checks/test_ex03_output_size.py": BAIT,
    "course_data/exercises/course.toml": "title = 'mine'\n",
    "decks/test_ex03_output_size/conv_output_size.deck": "deck/1\n",
    ".cache/cnn-grader/decks/a/b.deck": "deck/1\n",
    ".hypothesis/examples/a/b": "x",
    ".hypothesis/unicode_data/15.0.0/charmap.json.gz": "x",
    "ex03_output_size/__init__.py": BAIT + RIGHT,
    "ex03_output_size.pyi": RIGHT,
    "grader/__init__.py": BAIT,
    "grader/__main__.py": BAIT,
    "grader/cli.py": BAIT,
    "numpy/__init__.py": BAIT,
}  # fmt: skip
_PROGRAMS = ("bwrap", "python", "python3", "true", "ldconfig", "gcc", "ld", "objdump", "git", "sh", "uname", "grade")


def fill(folder: Path, names: str = f"{_LIBRARIES} {_PYTHON}", *, without: Sequence[str] = ()) -> Path:
    """A wrong module among everything that something of ours could take for its own."""
    hand_in(folder, NAME)
    for name in names.split():
        hand_in(folder, f"{name}.py", BAIT)
        hand_in(folder, f"exercises/{name}.py", BAIT)
        hand_in(folder, f"__pycache__/{name}.cpython-311.pyc", _compiled(name))
        hand_in(folder, f"{name}.pyc", _compiled(name))
    for name, content in _SETTINGS.items():
        if name.partition("/")[0] not in without:
            hand_in(folder, name, content)
    for name in _PROGRAMS:
        hand_in(folder, name, _SHELL_BAIT).chmod(0o755)
    return folder


def _compiled(name: str) -> bytes:
    """A .pyc that needs no source: it is not looked at whether there is one."""
    body = marshal.dumps(compile(BAIT, f"{name}.py", "exec"))
    return importlib.util.MAGIC_NUMBER + struct.pack("<L8x", 1) + body


def _graded(folder: Path) -> Path:
    """By the command and there, as a learner does it; then it is handed in like any other."""
    (fill(folder) / ".grade").symlink_to(CLASSMATE.parent)  # where the points of this run would be kept
    cli_runs.grade_in(folder, cli_runs.CONSOLE)
    return folder


def _mapped(folder: Path) -> Path:
    (fill(folder) / ".grade").mkdir()
    os.mkfifo(folder / ".grade" / "state.json")
    assert "mine" not in cli_runs.map_of(folder, cli_runs.MODULE), "the course is another one"
    return folder


def _plainly_mapped(folder: Path) -> Path:
    """Python itself looks here first: for the package it is to run, and for what it needs to find it."""
    cli_runs.map_of(fill(folder, _LIBRARIES, without=("grader", "numpy")), cli_runs.PLAIN_MODULE)
    return folder


_PROJECT = """
import importlib, importlib.machinery, importlib.metadata, importlib.util, runpy, sys
sys.path[:0] = ['$PROJECT', '$PROJECT/grader', '$CHECKS', '$SOLUTIONS']
importlib.invalidate_caches()
attempt(lambda: __import__('grader.checks'))
sys.modules.pop('grader', None)
attempt(lambda: __import__('grader.pipeline'))
attempt(lambda: __import__('test_ex03_output_size'))
from importlib.machinery import BuiltinImporter, FrozenImporter, PathFinder
sys.meta_path[:] = [BuiltinImporter, FrozenImporter, PathFinder]
sys.path_importer_cache.clear()
for name in ('grader', 'grader.references', 'checks', 'test_ex03_output_size', 'tests.escapes.made'):
    attempt(lambda: importlib.import_module(name))
def load(path):
    spec = importlib.util.spec_from_file_location('anything', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
attempt(lambda: load('$PROJECT/grader/__init__.py'))
attempt(lambda: load('$CHECKS/test_ex03_output_size.py'))
attempt(lambda: runpy.run_path('$SOLUTIONS/ex03_output_size.py'))
attempt(lambda: importlib.machinery.SourceFileLoader('a', '$CHECKS/test_ex03_output_size.py').get_source('a'))
attempt(lambda: importlib.metadata.distribution('cnn-grader').read_text('direct_url.json'))
attempt(lambda: importlib.metadata.version('cnn-grader'))
attempt(lambda: importlib.import_module('..checks', 'worker.x'))
"""
_PACKAGES = """
import importlib, importlib.machinery, os, sys
names = ('pytest', '_pytest', 'hypothesis', 'nbformat', 'pip', 'rich', 'typer', 'pluggy', 'landlock')
for name in names:
    attempt(lambda: __import__(name))
import torch
site = os.path.dirname(os.path.dirname(torch.__file__))
sys.meta_path[:] = [importlib.machinery.PathFinder]
sys.path[:] = [site, '/usr/lib/python3/dist-packages', '/usr/local/lib/python3.11/site-packages']
sys.path_importer_cache.clear()
for name in names:
    attempt(lambda: __import__(name))
    attempt(lambda: importlib.machinery.SourceFileLoader(name, f'{site}/{name}/__init__.py').load_module())
attempt(lambda: os.listdir(site))
"""
# From inside: every name that the worker itself goes through from one call to the next.
_POISON = """
import builtins, sys, types
import torch
import worker.serve, worker.values, worker.failures, worker.wire, worker.life, linecache, traceback
class Everything(types.ModuleType):
    def __getattr__(self, name):
        return lambda *args, **kwargs: True
    def __eq__(self, other):
        return True
    __hash__ = None
    __bool__ = __len__ = __index__ = lambda self: 1
everything = Everything('torch')
def poison():
    worker.values.Packer.pack = lambda self, value, depth=0: True
    worker.serve.Servant._call = lambda self, number, request, body: (worker.wire.Reply(number, True), bytearray())
    worker.serve.failure_from = lambda error, filename: worker.wire.Failure('todo', 'passed', [], 'passed')
    traceback.extract_tb = linecache.getline = lambda *args: [everything]
    builtins.__import__ = lambda *args, **kwargs: everything
    torch.equal = torch.allclose = lambda *args, **kwargs: True
    for name in [name for name in sys.modules if not name.startswith('worker')]:
        sys.modules[name] = everything
def conv_output_size(*args, **kwargs):
    poison()
    return everything
"""
_OWN_FOLDER = """
import importlib, os, site, sys
place = os.environ['TMPDIR']
attempt(lambda: len([open(f'{place}/{name}', 'w').write("raise SystemExit('shadowed')") for name in
                     ('torch.py', 'msgspec.py', 'sitecustomize.py', 'evil.pth', 'struct.py', 'conftest.py')]))
sys.path.insert(0, place)
site.addsitedir(place)
os.environ.update(PYTHONPATH=place, PYTHONSTARTUP=f'{place}/torch.py', LD_PRELOAD=f'{place}/evil.so')
"""
_INHERIT = """
import os
attempt(lambda: os.environ['PYTHONPATH'])
attempt(lambda: sorted(os.listdir(os.environ['TMPDIR']))[0])
def conv_output_size(*args, **kwargs):
    os.environ['PYTHONPATH'] = os.environ['TMPDIR']
    try:
        open(os.environ['TMPDIR'] + '/torch.py', 'w').close()
    finally:
        os._exit(0)
"""

ATTACKS = [
    Attack("shadow_everything", "is a wrong module among everything that could be taken for a library", build=fill),
    Attack(
        "shadow_console", "does so where `grade run` is called, with a link where that keeps its points", build=_graded
    ),
    Attack("shadow_module", "does so where `python -P -m grader` is called, with a pipe for its points", build=_mapped),
    Attack(
        "shadow_plain_module",
        "does so, but for Python's own modules, where `python -m grader` looks into the current folder first",
        build=_plainly_mapped,
    ),
    Attack(
        "shadow_project",
        "imports the checks and the grader by every way there is",
        _PROJECT + WRONG_ANSWER,
        gets_in_fallback="None",  # torch has asked what is installed before: names are remembered, files are not read
    ),
    Attack("shadow_packages", "imports what else is installed where the grader runs", _PACKAGES + WRONG_ANSWER),
    Attack("shadow_poison", "replaces all that its worker goes through to answer", _POISON, verdicts=WRONG | DEAD),
    Attack(
        "shadow_own_folder",
        "writes libraries of its own into its folder and lets Python look there first",
        _OWN_FOLDER + WRONG_ANSWER,
        gets="6",
    ),
    Attack(
        "shadow_next_worker",
        "leaves a library and a path to it to the worker that comes after its end",
        _INHERIT,
        verdicts=DEAD,
    ),
]
