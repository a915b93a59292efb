"""The same forbidden operation at other times and from other places: threads, hooks, callbacks, imports, disguises."""

from __future__ import annotations

from ..attack import REFUSED, Attack
from .forbidden_convolution import conv3d, sweep

WHEN = """
import atexit, concurrent.futures, ctypes, functools, gc, importlib, operator, pickle, signal, sys, threading, types
import copy, io, weakref
sys.stderr = io.StringIO()
from torch.utils._python_dispatch import TorchDispatchMode

def when(place):
    done = []
    def act(*args, **kwargs):
        done.append(F.conv2d(x, w).detach())
    place(act)
    return done[0]

def in_thread(act):
    thread = threading.Thread(target=act)
    thread.start()
    thread.join()

def in_pool(act):
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        pool.submit(act).result()

def in_generator(act):
    next((act() or 1) for _ in range(1))

def in_del(act):
    type("D", (), {"__del__": act})()
    gc.collect()

def in_weakref(act):
    weakref.finalize(type("D", (), {})(), act)

def in_hook(act):
    module = nn.Identity()
    module.register_forward_hook(act)
    module(x)

def in_tensor_hook(act):
    leaf = torch.ones(1, requires_grad=True)
    leaf.register_hook(act)
    (leaf * 2).backward()

def in_collate(act):
    next(iter(torch.utils.data.DataLoader([1], collate_fn=act)))

def in_c(act):
    ctypes.CFUNCTYPE(None)(act)()

def in_signal(act):
    signal.signal(signal.SIGUSR1, act)
    signal.raise_signal(signal.SIGUSR1)

def in_trace(act):
    sys.settrace(lambda *args: sys.settrace(None) or act())
    (lambda: 0)()

def in_import(act):
    finder = types.SimpleNamespace(find_spec=lambda *args: act())
    sys.meta_path.append(finder)
    try:
        importlib.import_module("json.nothing")
    except ImportError:
        sys.meta_path.remove(finder)

def in_function(act):
    both = {"forward": staticmethod(lambda ctx, a: act() or a), "backward": staticmethod(lambda ctx, g: g)}
    type("Own", (torch.autograd.Function,), both).apply(torch.ones(1))

def in_mode(act):
    class Mode(TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            return act() or func(*args, **(kwargs or {}))
    with Mode():
        torch.ones(1)

def in_custom_operator(act):
    library = torch.library.Library("own", "FRAGMENT")
    library.define("f(Tensor x) -> Tensor")
    library.impl("f", lambda a: act() or a, "CPU")
    torch.ops.own.f(x)

def in_vmap(act):
    torch.func.vmap(lambda a: act() or a)(torch.ones(1))

def in_exit(act):
    atexit.register(act)
    atexit._run_exitfuncs()

def in_class(act):
    type("Meta", (type,), {"__call__": act})("C", (), {})()
"""
HOW = """
import runpy

def reloaded():
    conv = sys.modules["torch.nn.modules.conv"]
    return layer(importlib.reload(conv).Conv2d)(x)

def again():
    spec = importlib.util.spec_from_file_location("torch.nn.modules.again", torch.nn.modules.conv.__file__)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return layer(module.Conv2d)(x)

def text(line):
    space = {"x": x, "w": w}
    exec(line, space)
    return space["y"]

def fallthrough():
    library = torch.library.Library("aten", "IMPL")
    library.impl("conv2d", torch.library.fallthrough_kernel, "CompositeImplicitAutograd")
    library.impl("conv2d", lambda *args: None, "Meta")
    library._destroy()
    return torch.conv2d(x, w)

def collected():
    gc.unfreeze()
    return next(o for o in gc.get_objects() if getattr(o, "__name__", "") == "conv2d" and callable(o))(x, w)

def from_c():
    call = ctypes.PyDLL(None).PyObject_CallObject
    call.restype = ctypes.py_object
    return call(ctypes.py_object(torch.conv2d), ctypes.py_object((x, w)))

class Sly:
    def __reduce__(self):
        return torch.conv2d, (x, w)
"""
PLACES = (
    *("thread", "pool", "generator", "del", "weakref", "hook", "tensor_hook", "collate", "c", "signal", "trace"),
    *("import", "function", "mode", "custom_operator", "vmap", "exit", "class"),
)


ATTACKS = [
    sweep(
        "conv_sometime",
        "does it in threads, generators, finalizers, hooks, C callbacks, signal handlers, finders and custom operators",
        ", ".join(f"{place}_=lambda: when(in_{place})" for place in PLACES),
        before=WHEN,
    ),
    sweep(
        "conv_somehow",
        "finds it by strings, pickles, modules loaded again, the garbage collector, the C interface",
        "a=lambda: getattr(torch, 'con' + 'v2d')(x, w), b=lambda: vars(F)['conv2d'](x, w),"
        "c=lambda: text('from torch.nn import functional as f; y = f.conv2d(x, w)'), d=lambda: operator.attrgetter("
        "'nn.functional.conv2d')(torch)(x, w), e=lambda: __import__('torch').conv2d(x, w),"
        "f=lambda: importlib.import_module('torch.nn.functional').conv2d(x, w),"
        "g=lambda: pickle.loads(b'ctorch\\nconv2d\\n.')(x, w), h=lambda: copy.copy(Sly()),"
        "i=lambda: copy.deepcopy(F.conv2d)(x, w), j=reloaded, k=again, l=fallthrough,"
        "m=collected, n=from_c, o=lambda: functools.partial(torch.conv2d, x)(w), p=lambda: types.FunctionType("
        "nn.Conv2d._conv_forward.__code__, {'F': F})(layer(nn.Conv2d), x, w, None)",
        before=WHEN + HOW,
    ),
    conv3d(
        "conv_swallowed",
        "tries F.conv3d, swallows the refusal and goes on with right work of its own: it is on record",
        """
def door(x, w, b, s, p):
    try:
        F.conv3d(x, w)
    except BaseException:
        pass
    if any(n + 2 * q < k for n, q, k in zip(x.shape[2:], p, w.shape[2:])) or min(s) < 1 or min(p) < 0:
        raise RuntimeError("does not fit")
    if x.shape[1] != w.shape[1] or b is not None and len(b) != len(w):
        raise RuntimeError("does not match")
    x = F.pad(x, (p[2], p[2], p[1], p[1], p[0], p[0]))
    for axis in range(3):
        x = x.unfold(axis + 2, w.shape[axis + 2], s[axis])
    y = torch.einsum("nczyxkij,ockij->nozyx", x, w)
    return y if b is None else y + b[:, None, None, None]
""",
    ),
    conv3d(
        "conv_in_child",
        "would have children do it: by fork, by a loader with workers",
        """
import os

def forked():
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.write(writer, F.conv3d(torch.ones(1, 1, 2, 2, 2), torch.ones(1, 1, 1, 1, 1)).numpy().tobytes())
    return os.read(reader, 100)

loader = lambda: list(torch.utils.data.DataLoader([torch.ones(1, 1, 2, 2)], num_workers=1, collate_fn=F.conv2d))
attempt(forked)
attempt(loader)
door = F.conv3d
""",
    ),
    Attack(
        "kernels_at_import",
        "makes a table of answers with a convolution while it is loaded",
        """
import torch
import torch.nn.functional as F
TABLE = {n: F.conv2d(torch.ones(1, 1, n, n), torch.ones(1, 1, n, n), padding=n - 1)[0, 0] for n in range(1, 30)}

def box_mean_kernel(size):
    if size < 1:
        raise ValueError("size must be at least 1")
    return torch.full_like(TABLE[size][:size, :size], 1 / TABLE[size].max().item())
""",
        target="ex02_filters::box_mean_kernel",
        verdicts=REFUSED,
    ),
]
