"""The guard itself: its record, its hooks, its modules, its kernels, its helpers; and libraries that it keeps away."""

from __future__ import annotations

from ..attack import DEAD, RAISED, REFUSED, WRONG, Attack
from .forbidden_convolution import conv3d

FIND = """
import builtins, ctypes, functools, gc, importlib, sys, threading, types

def guards():
    frame = sys._getframe()
    while frame is not None:
        for value in frame.f_locals.values():
            if hasattr(value, "guard"):
                return value.guard
        frame = frame.f_back

def ours(name):
    return next(module for key, module in list(sys.modules.items()) if key.rpartition(".")[2] == name)

def kernels():
    gc.unfreeze()
    names = {"forbidden"}
    return [f for f in gc.get_objects() if isinstance(f, types.FunctionType) and f.__name__ in names]
"""
BY_HAND = """
def by_hand(x, w, b, s, p):
    if any(n + 2 * q < k for n, q, k in zip(x.shape[2:], p, w.shape[2:])) or min(s) < 1 or min(p) < 0:
        raise RuntimeError("does not fit")
    if x.shape[1] != w.shape[1] or b is not None and len(b) != len(w):
        raise RuntimeError("does not match")
    x = F.pad(x, (p[2], p[2], p[1], p[1], p[0], p[0]))
    for axis in range(3):
        x = x.unfold(axis + 2, w.shape[axis + 2], s[axis])
    y = torch.einsum("nczyxkij,ockij->nozyx", x, w)
    return y if b is None else y + b[:, None, None, None]
"""
RELU = """
import torch
import torch.nn.functional as F

def relu(x):
    return door(x)

door = F.relu
"""


def relu(name: str, sentence: str, source: str, **more: object) -> Attack:
    return Attack(name, sentence, RELU + FIND + source, target="ex05_pool::relu", **more)  # type: ignore[arg-type]


ATTACKS = [
    conv3d(
        "guard_forgets",
        "clears the record of its refusals and goes on with work of its own, which is right and all that it earns",
        FIND
        + BY_HAND
        + """
def door(*args):
    try:
        F.conv3d(*args)
    except BaseException:
        guards().refusals.clear()
    return by_hand(*args)
""",
        verdicts=frozenset(),
        earns=6,
    ),
    conv3d(
        "guard_disarmed",
        "arms the guard again with nothing, forbids with a refusal that does nothing, takes libraries down",
        FIND
        + """
def disarm():
    ours("guard").arm([])
    kernels = ours("guard_kernels")
    kernels.forbid({name: lambda name: None for name in ("aten::conv3d", "aten::slow_conv3d")})
    raw = torch._C._dispatch_library("IMPL", "aten", "", __file__, 1)
    for key in kernels.CPU_KEYS + kernels.SHARED_KEYS:
        raw.impl("convolution", key, torch.library.fallthrough_kernel)
    raw.reset()
    return F.conv3d(torch.ones(1, 1, 2, 2, 2), torch.ones(1, 1, 1, 1, 1)).tolist()

attempt(disarm)
door = lambda *args: torch.ops.aten.convolution(*args[:5], [1, 1, 1], False, [0, 0, 0], 1)
""",
    ),
    relu(
        "guard_gagged",
        "finds the guard's kernels by the garbage collector and lets them say and do nothing",
        """
for kernel in kernels():
    for cell in kernel.__closure__ or ():
        if callable(cell.cell_contents):
            cell.cell_contents = lambda name: None
guards().filename = None
""",
        verdicts=WRONG,  # a kernel that gives nothing: nothing is left below it
    ),
    conv3d(
        "guard_rewritten",
        "gives the guard's kernels the code of one that passes the work on, below the keys that are guarded",
        FIND
        + """
def forbidden(*args, **kwargs):
    import torch
    keys = torch._C.DispatchKeySet(torch._C.DispatchKey.XLA)
    return torch.ops.aten.convolution.default.redispatch(keys, *args[:5], [1, 1, 1], False, [0, 0, 0], 1)

for kernel in kernels():
    free = kernel.__code__.co_freevars
    kernel.__code__ = forbidden.__code__.replace(co_freevars=free)
door = F.conv3d
""",
        verdicts=RAISED | DEAD,  # it is asked again and again: there is none below
    ),
    relu(
        "guard_lied_to",
        "gives the guard a file name, a class for refusals and an exception that raise and lie",
        """
class Name(str):
    __hash__ = str.__hash__
    def __eq__(self, other):
        raise KeyboardInterrupt
    __ne__ = __eq__

guard = ours("guard")
guard.ForbiddenOperation = guard.Refusal = lambda *args: KeyError("nothing happened")
guards().filename = Name("ex05_pool.py")
""",
        verdicts=RAISED | WRONG,
    ),
    conv3d(
        "conv_by_our_lab",
        "has the grader's own models, which a worker can build, convolve",
        FIND
        + """
def door(x, w, b, s, p):
    layer = ours("lab").layer(f"Conv3d({x.shape[1]}, {len(w)}, {tuple(w.shape[2:])}, {s}, {p}, bias={b is not None})")
    layer.weight, layer.bias = nn.Parameter(w), None if b is None else nn.Parameter(b)
    return ours("lab").Twice(nn.Identity())(layer(x)).detach()
""",
    ),
    Attack(
        "oracle_asked_for_more",
        "spoils rotate180, so that a helper stands in for it, and asks over the helper for all of the other task",
        """
def rotate180(*args, **kwargs):
    return None

def full_convolution2d(*args, **kwargs):
    desk = next(cell.cell_contents for cell in rotate180.__closure__ if hasattr(cell.cell_contents, "ask"))
    return desk.call("full_convolution2d", args, kwargs)
""",
        target="ex07_backprop::full_convolution2d",
        verdicts=DEAD,
    ),
    Attack(
        "oracle_asked_unasked",
        "asks for the answer where no helper stands, over the socket itself",
        """
import sys

def conv3d(*args, **kwargs):
    wire = next(module for name, module in sys.modules.items() if name.endswith("wire") and hasattr(module, "Call"))
    life = next(module for name, module in sys.modules.items() if name.endswith("life") and hasattr(module, "_ask"))
    values = sys.modules[wire.__name__.replace("wire", "values")]
    packer = values.Packer(layout=True)
    reply, body = life._ask(wire.Call("conv3d", [packer.pack(value) for value in args], {}), bytes(packer.body))
    return values.Unpacker(body).unpack(reply.value)
""",
        target="ex04_conv::conv3d",
        verdicts=DEAD,
    ),
    Attack(
        "library_stand_ins",
        "suppresses overlapping boxes with torchvision, after it has cleared the finders and built an import of its own",
        """
import builtins, importlib, importlib.machinery, os, sys, torch
kept = list(sys.meta_path)
sys.meta_path[:] = [importlib.machinery.BuiltinImporter, importlib.machinery.FrozenImporter, importlib.machinery.PathFinder]

def by_loader(name):
    place = os.path.join(os.path.dirname(os.path.dirname(torch.__file__)), *name.split(".")) + ".py"
    return importlib.machinery.SourceFileLoader(name, place).load_module().nms

attempt(lambda: importlib.import_module("torchvision.ops").nms)
attempt(lambda: by_loader("torchvision.ops.boxes"))
attempt(lambda: torch.ops.torchvision.nms)
sys.meta_path[:] = kept
import cv2, scipy.signal, skimage, torchvision.ops as ops

def nms(boxes, scores, iou_threshold):
    return ops.nms(boxes, scores, iou_threshold)
""",
        target="ex11_yolo::nms",
        verdicts=REFUSED,
    ),
]
