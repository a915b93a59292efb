"""Runs the hidden checks. A check author needs `check`, `expect`, `strategies` and `lab`; see CONTRIBUTING.md."""

from . import expect, lab, strategies
from .check import check

__all__ = ["check", "expect", "lab", "strategies"]
