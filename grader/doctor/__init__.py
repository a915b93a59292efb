"""`grade doctor`: what this machine can enforce, proved by trying it, and how to get what is missing."""

from .gpu import rows as gpu_rows
from .gpu import try_gpu
from .probe import Finding, Health, Wall, examine
from .show import render

__all__ = ["Finding", "Health", "Wall", "examine", "gpu_rows", "render", "try_gpu"]
