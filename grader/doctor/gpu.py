"""What this machine has of a GPU, in the words of `grade doctor`, and what a worker on it can do."""

from __future__ import annotations

from collections.abc import Callable

from grader.errors import GraderFault
from grader.learner import Zygote
from grader.learner.gpu import Facts, why_not

from .probe import Finding, Wall, examine

WEAKER = (
    "the same walls, and within them the driver's devices with all their calls into the kernel; memory on the host is "
    "limited by what is written to, not by address space; the share of the GPU's memory is PyTorch's promise, in the "
    "learner's own process. Fine for people you trust; for strangers a machine of its own"
)


def rows(found: Facts) -> tuple[Wall, ...]:
    """What there is, one after the other as CUDA needs it, and what a worker on it is worth."""
    missing = why_not(found)
    cards = "; ".join(str(card) for card in found.cards)
    return (
        Wall(
            "PyTorch",
            bool(found.cuda),
            f"{found.torch}, built {f'for CUDA {found.cuda}' if found.cuda else 'without CUDA'}",
        ),
        Wall("driver", bool(found.driver), f"NVIDIA {found.driver}" if found.driver else "no NVIDIA driver is loaded"),
        Wall("GPU", bool(found.cards), cards or "none that PyTorch can use"),
        Wall("--device cuda", not missing, missing or f"isolation: {WEAKER}"),
    )


def try_gpu(zygote: Zygote, tell: Callable[[Finding], None]) -> tuple[Finding, ...]:
    """What `examine` finds for a worker on the GPU; where none begins, that is the finding."""
    try:
        return examine(zygote, tell).findings
    except GraderFault as fault:
        return (Finding("begins with CUDA", False, f"it does not: {fault}", "docs/gpu.md says what it needs"),)
