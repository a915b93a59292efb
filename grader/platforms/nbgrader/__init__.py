"""nbgrader: a course made for it (`release`), its autograding (`configure`), and `%grade` in a learner's notebook.

What is imported here is imported by every nbgrader command and by every learner's kernel: neither torch nor pytest.
"""

from __future__ import annotations

from .magic import Standing, check, load_ipython_extension
from .settings import configure

__all__ = ["Standing", "check", "configure", "load_ipython_extension"]
