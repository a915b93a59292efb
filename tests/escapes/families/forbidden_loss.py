"""Cross entropy where it is to be built."""

from __future__ import annotations

from ..attack import REFUSED, Attack

ATTACKS = [
    Attack(
        "entropy_functional",
        "calls F.cross_entropy, also where only its gradient is looked at, without a ban",
        """
import torch
import torch.nn.functional as F

def pixel_cross_entropy(logits, target, ignore_index=255):
    if logits.dim() != 4 or target.shape != (len(logits), *logits.shape[2:]):
        raise ValueError("logits and target must match in shape")
    counted = target != ignore_index
    logits = torch.where(counted[:, None], logits, 0.0)
    target = torch.where(counted, target, -1)
    total = F.cross_entropy(logits, target, ignore_index=-1, reduction="sum")
    return total / counted.sum().clamp(min=1)
""",
        target="ex10_fcn::pixel_cross_entropy",
        verdicts=REFUSED,
        earns=0.25,  # for the shapes that it turns down by itself
    ),
    Attack(
        "entropy_by_any_name",
        "takes cross entropy by function, layer, operator, reference and decomposition",
        """
import warnings
import torch
import torch.nn.functional as F
from torch import nn
warnings.simplefilter("ignore")
aten = torch.ops.aten

def pixel_cross_entropy(logits, target, ignore_index=255):
    return F.cross_entropy(logits, target, ignore_index=ignore_index)

z, t = torch.arange(6.0).reshape(3, 2) % 4, torch.tensor([0, 1, 1])
log = z.log_softmax(1)
right = -log.gather(1, t[:, None]).mean()
def opened(**doors):
    found = []
    for name, door in doors.items():
        try:
            if torch.allclose(door(), right):
                found.append(name)
        except BaseException:
            pass
    if not found:
        raise PermissionError("every door is shut")
    return found

attempt(lambda: opened(
    functional=lambda: F.cross_entropy(z, t), likely=lambda: F.nll_loss(log, t), layer=lambda: nn.CrossEntropyLoss()(z, t),
    likely_layer=lambda: nn.NLLLoss()(log, t), soft=lambda: F.cross_entropy(z, torch.eye(2)[t]),
    flat=lambda: torch._C._nn.nll_loss2d(log[:, :, None, None], t[:, None, None]).mean(), nd=lambda: torch._C._nn.nll_loss_nd(log, t).mean(),
    overload=lambda: aten.nll_loss_forward.default(log, t, None, 1, -100)[0], binary=lambda: F.binary_cross_entropy(
        log.exp(), torch.eye(2)[t]), script=lambda: torch.jit.script(nn.CrossEntropyLoss())(z, t),
    reference=lambda: torch._refs.nn.functional.nll_loss(log, t), vmap=lambda: torch.func.vmap(lambda a: F.cross_entropy(a, t))(z[None])[0],
    table=lambda: torch._decomp.decomposition_table[aten.nll_loss_forward.default](log, t, None, 1, -100)[0],
))
""",
        target="ex10_fcn::pixel_cross_entropy",
        verdicts=REFUSED,
    ),
]
