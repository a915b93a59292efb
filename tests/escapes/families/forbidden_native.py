"""Forbidden operations by ways around the guard: native code, second copies of libraries, source that is run again.

Some of them are open, and say so: what runs in a process can undo what was done to it. SECURITY.md promises no more.
"""

from __future__ import annotations

from ..attack import DEAD, REFUSED, WRONG, Attack
from .forbidden_convolution import conv3d
from .forbidden_filters import pad2d
from .forbidden_guard import FIND

HUNT = """
import ctypes, gc
LIBC = ctypes.CDLL(None, use_errno=True)
mine = torch._C._dispatch_library("FRAGMENT", "hunt", "", __file__, 1)
word, found = id(type(mine)).to_bytes(8, "little"), []
gc.unfreeze()
pages = {page + near for page in {id(o) >> 20 for o in (*gc.get_objects(), mine)} for near in (-1, 0, 1)}
for address in sorted(page << 20 | low for page in pages for low in range(0, 1 << 20, 4096)):
    ctypes.set_errno(0)
    LIBC.access(ctypes.c_void_p(address), 0)
    data = b"" if ctypes.get_errno() == 14 else ctypes.string_at(address, 4096)  # EFAULT: nothing is there
    at = data.find(word)
    while at >= 8:
        if at % 16 == 8 and int.from_bytes(data[at - 8 : at], "little") < 100 and address + at - 8 != id(mine):
            found.append(ctypes.cast(address + at - 8, ctypes.py_object).value)
        at = data.find(word, at + 1)
for handle in found:
    try:
        handle.reset()
    except BaseException:
        pass
"""
SYMBOL = """
import ctypes
SIZES = type("SIZES", (ctypes.Structure,), {"_fields_": [("at", ctypes.c_void_p), ("count", ctypes.c_size_t)]})
LIBRARY = ctypes.PyDLL(torch._C.__file__)
convolve = getattr(LIBRARY, "_ZN2at6native18mkldnn_convolutionERKNS_6TensorES3_RKSt8optionalIS1_EN3c108ArrayRefIlEESA_SA_l")
convolve.argtypes, convolve.restype = [ctypes.c_void_p] * 4 + [SIZES] * 3 + [ctypes.c_long], None
wrap = getattr(LIBRARY, "_Z16THPVariable_WrapRKN2at10TensorBaseE", None) or LIBRARY._Z16THPVariable_WrapN2at10TensorBaseE
wrap.argtypes, wrap.restype = [ctypes.c_void_p], ctypes.py_object

def door(x, w, b, s, p):
    given = [None if t is None else t.float().contiguous() for t in (x, w, b)]
    if F.conv3d is None or x.dim() != 5 or w.dim() != 5 or x.shape[1] != w.shape[1] or min(s) < 1 or min(p) < 0:
        raise RuntimeError("does not fit")
    if b is not None and len(b) != len(w) or any(n + 2 * q < k for n, q, k in zip(x.shape[2:], p, w.shape[2:])):
        raise RuntimeError("does not match")
    boxes = [(ctypes.c_void_p * 2)(0 if t is None else t._cdata, 0 if t is None else 1) for t in given]
    arrays = [(ctypes.c_long * 3)(*values) for values in (p, s, (1, 1, 1))]
    out = (ctypes.c_void_p * 1)()
    convolve(out, *boxes, *[SIZES(ctypes.addressof(array), 3) for array in arrays], 1)
    return wrap(out).to(x)
"""
ATTACKS: list[Attack] = [
    conv3d(
        "torch_again",
        "throws torch out of the modules and imports it once more",
        FIND
        + """
def again():
    kept = {name: sys.modules.pop(name) for name in list(sys.modules) if name.partition(".")[0] == "torch"}
    try:
        fresh = importlib.import_module("torch")
        return fresh.conv3d(torch.ones(1, 1, 2, 2, 2), torch.ones(1, 1, 1, 1, 1))
    except SystemError:  # with a message of whatever lay in memory
        raise ImportError("torch is there once and for all") from None
    finally:
        sys.modules.update(kept)

attempt(again)
door = F.conv3d
""",
        verdicts=REFUSED | DEAD,
    ),
    conv3d(
        "guard_hunted",
        "hunts through its own memory for the handle that would take the guard's kernels away, and finds an empty one",
        HUNT + "door = F.conv3d\n",
        verdicts=DEAD | REFUSED,  # what it takes down is nothing, at address 0
    ),
    conv3d(
        "conv_by_symbol",
        "calls a function of PyTorch's library by its symbol: native code in the same process, and open",
        SYMBOL,
        verdicts=WRONG,  # in float64, which that function does not know
        earns=5.5,
    ),
    pad2d(
        "pad_loaded_again",
        "loads numpy's file of padding a second time, under another name: as open as a copy of it in the submission",
        """
import importlib.util
spec = importlib.util.spec_from_file_location("numpy.lib._pad_again", numpy.lib._arraypad_impl.__file__)
fresh = importlib.util.module_from_spec(spec)
spec.loader.exec_module(fresh)
NAMES = {"zeros": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}
def door(x, p, mode):
    return torch.from_numpy(fresh.pad(x.numpy(), [(0, 0), (0, 0), (p[2], p[2]), (p[0], p[0])], NAMES[mode]))
""",
        verdicts=frozenset(),
        earns=6,
    ),
]
