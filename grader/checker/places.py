"""Mistakes about devices, known by what PyTorch says of them: the sentence that says what to do.

Words for the learner and no more: an exception's text is theirs, and no point depends on it.
"""

from __future__ import annotations

from collections.abc import Sequence

from grader.errors import LearnerFault, LearnerStrayed

STRAYED = "New tensors are not made where the input is: use x.new_zeros(...) or device=x.device."
MIXED = (
    "Your code mixes devices: something is on the CPU while the input is not. Make new tensors where the input is "
    "(x.new_zeros(...), torch.arange(n, device=x.device)); what a module keeps and does not learn belongs in "
    "self.register_buffer(...), which .to(device) takes along."
)
NUMPY = (
    "numpy sees the CPU alone: stay with operations of torch, or fetch the values with .cpu() and bring the result "
    "back with .to(x.device)."
)
NAMED = (
    "Your code asks for a GPU by its name, and there need not be one: new tensors belong where the input is, with "
    "device=x.device."
)
INDEX = (
    "An index was out of range on the GPU, which tells no more than that: in indexing, gather or scatter, or as the "
    "number of a class. The same call on the CPU (without --device) says which."
)
MEMORY = "The GPU's memory is used up: work on fewer or smaller tensors at a time, and keep none that is not needed."
STEPS = (STRAYED, MIXED, NUMPY, NAMED, INDEX, MEMORY)

# What an exception says -> what to do. The first that fits; a GPU's name stands for any device in these words.
_SAID: Sequence[tuple[str, str]] = (
    ("CUDA out of memory", MEMORY),
    ("device-side assert", INDEX),
    ("index out of bounds", INDEX),
    ("device type tensor to numpy", NUMPY),
    ("Found no NVIDIA driver", NAMED),
    ("not compiled with CUDA", NAMED),
    ("No CUDA GPUs are available", NAMED),
    ("no CUDA-capable device", NAMED),
    ("CUDA driver version is insufficient", NAMED),
    ("to be on the same device", MIXED),
    ("is not on the expected device", MIXED),
    ("Expected object of device type", MIXED),
    ("should be either on the same device", MIXED),
    ("should be either on cpu or on the same device", MIXED),
    ("and weight type (", MIXED),
    ("and bias type (", MIXED),
)


def next_step(fault: LearnerFault) -> str | None:
    """What to do about it, where it is about devices."""
    if isinstance(fault, LearnerStrayed):
        return STRAYED
    return next((step for words, step in _SAID if words in fault.message), None)


def in_words(faults: Sequence[LearnerFault]) -> str | None:
    """The same for all failures of a task, or None where one of them is about something else."""
    steps = {next_step(fault) for fault in faults}
    if not steps or None in steps:
        return None
    return steps.pop() if len(steps) == 1 else MIXED
