"""Runs the hidden checks. A check author needs `check`, `expect` and `strategies`; see CONTRIBUTING.md."""

from . import expect, strategies
from .check import check

__all__ = ["check", "expect", "strategies"]
