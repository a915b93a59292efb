"""Networks that are not what they say: weights that change, modes that lie, names and shapes that no module has."""

from __future__ import annotations

from ..attack import DEAD, LATE, RAISED, WRONG, Attack

# An honest head; every liar below inherits from it and lies about one thing.
_HONEST = """
import torch
from torch import nn
class Honest(nn.Module):
    def __init__(self, in_channels, grid_size=7, boxes_per_cell=2, num_classes=20, hidden=4096):
        super().__init__()
        self.size, self.numbers = grid_size, boxes_per_cell * 5 + num_classes
        self.fc1 = nn.Linear(in_channels * grid_size**2, hidden)
        self.fc2 = nn.Linear(hidden, grid_size**2 * self.numbers)
    def forward(self, x):
        hidden = nn.functional.dropout(nn.functional.leaky_relu(self.fc1(x.flatten(1)), 0.1), 0.5, self.training)
        return self.fc2(hidden).reshape(-1, self.size, self.size, self.numbers)
"""
_DRIFTING = """
class YOLOHead(Honest):
    def forward(self, x):
        with torch.no_grad():
            for value in self.parameters():
                value.add_(1)
        return super().forward(x)
"""
_REPLACED = """
class YOLOHead(Honest):
    def load_state_dict(self, state, strict=True, assign=False):
        return nn.modules.module._IncompatibleKeys([], [])
    def state_dict(self, *args, **kwargs):
        return {name: torch.zeros_like(value) for name, value in super().state_dict(*args, **kwargs).items()}
"""
_SHARED = """
class YOLOHead(Honest):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        storage = torch.zeros(10**6)
        with torch.no_grad():
            for value in self.parameters():
                value.set_(storage, 0, value.shape, value.stride())
"""
_MODE = """
class YOLOHead(Honest):
    training = property(lambda self: False, lambda self, mode: None)
    def train(self, mode=True): return self
    def eval(self): return self
"""
_FIRST_ANSWER = """
class YOLOHead(Honest):
    answers = {}
    def forward(self, x):
        return self.answers.setdefault("first", super().forward(x)) + 0 * super().forward(x).sum()
"""
_NAMES = """
NAMES = ("", ".", "a.b.c", "..x", "forward", "__class__", "__dict__", "_parameters", "_modules", "link", "push",
         "remote_handle", "remote_name", "_there", "state_dict", "n" * 150, "\\x1b[2J", "\\u202e", "fc1", "fc1.weight",
         "training")
class YOLOHead(Honest):
    made = 0
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        YOLOHead.made += 1
        for name in NAMES[: -(YOLOHead.made % 2) or None]:
            self._parameters[name] = nn.Parameter(torch.zeros(1))
            self._buffers[name] = torch.zeros(2)
            self._modules.setdefault(name, nn.Linear(1, 1))
"""
_KINDS = """
class YOLOHead(Honest):
    made = 0
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        YOLOHead.made += 1
        odd = (torch.zeros(2, dtype=torch.int64), torch.zeros(2, device="meta"), torch.zeros(2).to_sparse(), 5, "x",
               torch.zeros(2, dtype=torch.complex64), torch.zeros(()).expand(2**20, 2**20), nn.Parameter)
        self.fc1._parameters["weight"] = odd[YOLOHead.made % len(odd)]
"""
_ENDLESS = """
class Endless(dict):
    def items(self):
        while True:
            yield "weight", nn.Parameter(torch.zeros(1))
class YOLOHead(Honest):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fc1.__dict__["_parameters"] = Endless()
"""
_NO_MODULE = """
class Duck:
    __class__ = property(lambda self: nn.Module)
    training = True
    parameters = buffers = named_parameters = named_buffers = lambda self: iter(())
    named_modules = lambda self, **kwargs: iter([("", nn.Linear(2, 2))])
    __call__ = lambda self, x: x
    train = eval = load_state_dict = lambda self, *args: self
    state_dict = lambda self: {}
class YOLOHead:
    made = 0
    def __new__(cls, *args, **kwargs):
        cls.made += 1
        made = (Duck(), 5, nn.Linear, lambda x: x, "module", None, [nn.Linear(1, 1)], nn.Module.__new__(nn.Module))
        return made[cls.made % 8]
"""
_HOOKED = """
class YOLOHead(Honest):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.register_forward_hook(lambda module, args, out: torch.zeros_like(out))
        self.register_state_dict_post_hook(lambda module, state, prefix, _: [state.pop(key) for key in list(state)])
        self.register_load_state_dict_pre_hook(lambda module, state, *args: state.clear())
    def __getattribute__(self, name):
        if name in ("state_dict", "load_state_dict"):
            return lambda *args, **kwargs: {name: torch.zeros(1)}
        return super().__getattribute__(name)
"""


def _head(name: str, sentence: str, source: str, **options: object) -> Attack:
    return Attack(name, sentence, _HONEST + source, target="ex11_yolo::YOLOHead", **options)  # type: ignore[arg-type]


ATTACKS = [
    _head("weights_that_drift", "adds 1 to its weights whenever it is called", _DRIFTING, earns=1.5),
    _head("weights_that_stay", "says that it has loaded what it was given, and keeps its own", _REPLACED, earns=1.5),
    _head("weights_in_one_place", "keeps all its weights in the same memory", _SHARED, earns=1.5),
    _head("mode_that_lies", "is always in eval mode, whatever it is told", _MODE, earns=3.5),
    _head("first_answer", "gives the first answer of all once more", _FIRST_ANSWER, earns=1.5),
    _head("names_of_weights", "calls its weights like the insides of a module, and like other weights", _NAMES,
          verdicts=DEAD | RAISED | WRONG),
    _head("kinds_of_weights", "has weights without values, without end, of no size and of other types", _KINDS,
          verdicts=DEAD | RAISED | WRONG),
    _head("endless_weights", "has one weight after the other, without end", _ENDLESS, verdicts=LATE),
    _head("no_module", "makes numbers, functions and ducks where a module is asked for", _NO_MODULE,
          verdicts=RAISED | WRONG),
    _head("hooks", "hangs hooks on all that is asked of a module", _HOOKED),
]  # fmt: skip
