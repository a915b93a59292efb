"""What a check says of an answer: `expect.close(got, want)` and its siblings, as compare.py has them."""

from .compare import close, equal, that, unchanged, value_error

__all__ = ["close", "equal", "that", "unchanged", "value_error"]
