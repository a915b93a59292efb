"""The frame in which a notebook shows a page of feedback: one without any right.

No script runs in it, nothing is loaded, and neither its looks nor a learner's text reach the page around it, which may
be the one on which a teacher enters grades.
"""

from __future__ import annotations

from html import escape

SHORT, LONG = 190, 640  # CSS pixels: a frame without scripts cannot ask its page how long that is


def framed(page: str, title: str, *, short: bool) -> str:
    style = f"width: 100%; height: {SHORT if short else LONG}px; border: 0; resize: vertical; overflow: auto"
    return f'<iframe sandbox="" title="{escape(title)}" style="{style}" srcdoc="{escape(page)}"></iframe>'
