"""What a check says of an answer: `expect.close(got, want)` and its few siblings. See compare.py for what each means."""

from .compare import close, equal, that, unchanged, value_error

__all__ = ["close", "equal", "that", "unchanged", "value_error"]
