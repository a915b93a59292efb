"""What this machine has of a GPU, as facts; and why `--device cuda` cannot be had here, as a sentence.

The facts are gathered in one place and are plain values, so that everything decided from them can be tried anywhere.
Asking PyTorch opens the driver in this process, which costs no memory of the GPU and disturbs no worker: those are
forked from a zygote that is a program of its own.
"""

from __future__ import annotations

import os
import re
import sys
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import torch

NVIDIA = "/dev/nvidiactl"  # there as soon as NVIDIA's driver is loaded, and in a container where it was let in
# The driver's devices, and where CUDA finds out what the machine is made of.
_NODES = re.compile(r"nvidia(?:ctl|-uvm|-caps|\d+)")  # -caps: a folder, for a part of a GPU (MIG)
TOLD = ("/proc/driver/nvidia", "/proc/devices", "/proc/meminfo")
FILES = ("/sys/devices", "/sys/bus/pci", "/sys/module/nvidia", "/sys/module/nvidia_uvm")
DRIVER_LIBRARY = "libcuda.so.1"
_ELSEWHERE = ("/usr/local/nvidia/lib64", "/usr/local/nvidia/lib")  # where some clusters mount the driver
_PASSED_ON = ("CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER")  # which GPU is meant
_GIGA = 2**30


@dataclass(frozen=True, slots=True)
class Card:
    """One GPU as its driver tells of it."""

    name: str
    memory_bytes: int

    def __str__(self) -> str:
        return f"{self.name}, {self.memory_bytes / _GIGA:.0f} GB"


@dataclass(frozen=True, slots=True)
class Facts:
    """`cuda`: the version that torch was built with, "" for none. `driver`: its version, "" where none is loaded.

    `usable`: PyTorch says that it can compute there; `said`: what it warned of when it was asked.
    """

    system: str
    torch: str
    cuda: str
    driver: str
    nodes: tuple[str, ...] = ()
    cards: tuple[Card, ...] = ()
    usable: bool = False
    said: str = ""


def facts() -> Facts:
    """Ask this machine. Never raises."""
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        usable = bool(torch.version.cuda) and torch.cuda.is_available()
        cards = tuple(_card(number) for number in range(torch.cuda.device_count())) if usable else ()
    said = " ".join(str(warning.message).partition("(Triggered")[0].strip() for warning in heard)
    return Facts(sys.platform, torch.__version__, torch.version.cuda or "", _driver(), nodes(), cards, usable, said)


def _card(number: int) -> Card:
    found = torch.cuda.get_device_properties(number)
    return Card(found.name, found.total_memory)


def _driver() -> str:
    """The version of the driver that is loaded: "580.95.05"; "unknown" where it is there and does not tell."""
    try:
        text = Path("/proc/driver/nvidia/version").read_text("utf-8", "replace")
    except OSError:
        return "unknown" if os.path.exists(NVIDIA) else ""
    found = re.search(r"Module\D*(\d+(?:\.\d+)+)", text)
    return found.group(1) if found else "unknown"


def nodes(folder: str = "/dev") -> tuple[str, ...]:
    """The driver's devices. To be asked after PyTorch was: the first who asks the driver has some of them made."""
    try:
        names = os.listdir(folder)
    except OSError:
        return ()
    return tuple(os.path.join(folder, name) for name in sorted(names) if _NODES.fullmatch(name))


def why_not(found: Facts) -> str:
    """Why no worker can compute on a GPU here and what to do about it; "" where one can."""
    if found.system != "linux":
        return "workers on a GPU need Linux: leave --device out, the grades are the same"
    if found.usable and found.nodes:
        return ""
    if not found.cuda:
        return (
            f"this PyTorch ({found.torch}) is built without CUDA: install the build with CUDA into this environment "
            "(pytorch.org, Get Started, Compute Platform CUDA), or leave --device out"
        )
    if not found.driver:
        return (
            "no NVIDIA driver is loaded here: nvidia-smi has to list a GPU (in Docker: --gpus all; on a cluster: a "
            "node with a GPU), or leave --device out"
        )
    words = f" PyTorch says: {found.said}" if found.said else ""
    if not found.usable:
        return (
            f"the NVIDIA driver {found.driver} is loaded, and PyTorch {found.torch} (CUDA {found.cuda}) finds no GPU "
            f"through it: is the driver new enough, and is CUDA_VISIBLE_DEVICES empty?{words}"
        )
    return f"the driver's devices ({NVIDIA}, /dev/nvidia0) are not here, so no worker could be given them{words}"


def variables(around: Iterable[tuple[str, str]]) -> dict[str, str]:
    """What a zygote of GPU workers has to know of our environment: which GPU is meant, and where its driver lies."""
    given = dict(around)
    kept = {name: given[name] for name in _PASSED_ON if given.get(name)}
    folder = library_folder(given.get("LD_LIBRARY_PATH", ""))
    return {**kept, "LD_LIBRARY_PATH": folder} if folder else kept


def library_folder(path: str) -> str:
    """The folder of the driver's library where the system's own loader does not look; "" where it does."""
    named = [folder for folder in path.split(os.pathsep) if os.path.isabs(folder)]
    return next((f for f in (*named, *_ELSEWHERE) if os.path.exists(os.path.join(f, DRIVER_LIBRARY))), "")
