"""A class on one page for its teacher: made from marks alone, a pure function of them.

`summary` adds marks up, `items` says how good each check is, `alike` compares sources where it is given them, `plots`
draws, `page` writes. Nothing here grades, and what learners wrote is text to all of it.
"""

from .page import render
from .publish import publish, report_page
from .summary import Summary

__all__ = ["Summary", "publish", "render", "report_page"]
