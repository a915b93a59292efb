"""The learner's desk: what helps between two runs. Reads and shows, never grades; imports neither torch nor pytest.

`next_hint` and `solution_of` return something that rich prints, for whoever has a console at hand.
"""

from .hints import next_hint
from .solution import solution_of

__all__ = ["next_hint", "solution_of"]
