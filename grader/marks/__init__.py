"""What a class's stored results are worth: read as values, with what was decided since applied to them.

The rows of the store and the files in `results/` stay as grading left them. What somebody changed afterwards (a check
dropped, its points changed) lies beside them and is applied on reading, so that it can be taken back.
"""

from .edits import Edit, Edits
from .marks import Check, Exercise, Mark, Task, mark, read

__all__ = ["Check", "Edit", "Edits", "Exercise", "Mark", "Task", "mark", "read"]
