"""Where a learner's tensors live: the CPU or one GPU. What a worker on a GPU sets before it sees a learner's byte.

No call of CUDA's before the fork: a process whose parent has begun with it cannot use it any more. So a worker begins
with it by itself, before it is locked down, since the driver has to be opened for that.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

CPU, CUDA = "cpu", "cuda"
HOST = torch.device(CPU)

# What the libraries of a GPU read when they begin. TF32 would round a float32 to 10 bits; sums in one order every time;
# errors where they happen, so that the line is the learner's; no kernels kept on a disk that a worker cannot write to.
ENVIRONMENT: Mapping[str, str] = {
    "NVIDIA_TF32_OVERRIDE": "0",
    "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
    "CUDA_LAUNCH_BLOCKING": "1",
    "CUDA_CACHE_DISABLE": "1",
    "USE_PYTORCH_KERNEL_CACHE": "0",
    "TORCH_DISABLE_NATIVE_JIT": "1",  # kernels that Triton would compile, by programs that a worker cannot start
}
# After one of these every further call of CUDA's in this process fails.
_BROKEN = ("CUDA error", "CUBLAS_STATUS", "CUDNN_STATUS", "CUSOLVER_STATUS", "CUFFT_", "CUSPARSE_STATUS")
_ACCELERATOR_ERROR: type[Exception] = getattr(torch, "AcceleratorError", type("Never", (Exception,), {}))  # torch 2.8


def is_gpu(device: str) -> bool:
    """Whether a worker is in the mode for a GPU. Tests rehearse it with "meta", which has its walls and no values."""
    return device != CPU


def place(device: str) -> torch.device:
    """The device that a name of the command line stands for: of several GPUs the first that is visible."""
    return torch.device(device, 0) if device == CUDA else torch.device(device)


def environment(device: str) -> dict[str, str]:
    return dict(ENVIRONMENT) if is_gpu(device) else {}


def prepare(device: str, gpu_bytes: int) -> None:
    """Begin with CUDA in this process: exact arithmetic, the same random numbers every time, a share of the memory.

    A learner who asks for more memory by PyTorch gets an OutOfMemoryError. The share is PyTorch's own promise, in the
    learner's process: it is for mistakes, and no wall.
    """
    if device != CUDA:
        return
    exact()
    torch.cuda.init()  # type: ignore[no-untyped-call]
    here = place(device)
    torch.cuda.manual_seed_all(0)
    total = torch.cuda.get_device_properties(here).total_memory
    torch.cuda.set_per_process_memory_fraction(share(gpu_bytes, total), here)
    # What is opened, loaded or started by the first operation is had before the lockdown. A task may forbid it.
    with contextlib.suppress(Exception):
        (torch.ones(8, 8, device=here) @ torch.ones(8, 8, device=here)).sum().item()
    torch.cuda.synchronize(here)


def share(wanted: int, total: int) -> float:
    """The part of the GPU's memory that a worker may have, as PyTorch wants it said."""
    return min(1.0, wanted / total)


def exact() -> None:
    """A float32 is computed as one, half-precision sums are not cut short, and the same kernels run every time.

    By the older names of these switches: the newer ones (`fp32_precision`) make it an error to ask by the older, which
    learners know.
    """
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    with warnings.catch_warnings(action="ignore"):  # what it says here would be shown as printed by the learner
        matmul.allow_tf32 = cudnn.allow_tf32 = False
        matmul.allow_fp16_reduced_precision_reduction = False
        matmul.allow_bf16_reduced_precision_reduction = False
        cudnn.benchmark, cudnn.deterministic = False, True
        # torch.use_deterministic_algorithms, which imports a compiler on the way. Only a warning where there is no such
        # kernel: a right answer may use what has none.
        torch._C._set_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    warnings.filterwarnings("ignore", message=".*does not have a deterministic implementation.*")


def breaks(error: BaseException) -> bool:
    """Whether this process can use its GPU no more after this error. Running out of memory is not meant."""
    if isinstance(error, torch.OutOfMemoryError) or not isinstance(error, RuntimeError):
        return False
    if isinstance(error, _ACCELERATOR_ERROR):
        return True
    try:
        return any(words in str(error) for words in _BROKEN)
    except Exception:  # a RuntimeError of the learner's making
        return False


def moved(value: object, home: torch.device, kwargs: Mapping[str, Any]) -> None:
    """Bring a module that was made on the CPU to where tensors live, as its user would do with `.to(device)`.

    Not where a device was asked for. By PyTorch's own way: what is neither parameter nor buffer stays behind.
    """
    if home == HOST or "device" in kwargs or not isinstance(value, nn.Module):
        return
    if all(tensor.device.type != "meta" for tensor in (*value.parameters(), *value.buffers())):
        nn.Module.to(value, home)
