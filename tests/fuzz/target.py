"""What a target is: bytes to draw, and a check that lets through nothing but what the room under test promises.

Every case is plain bytes, so that a finding is a file and a file is a case.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st


class Wrong(AssertionError):
    """What the code under test promises does not hold for a case."""


@dataclass(frozen=True)
class Target:
    """`read` runs the code under test, which is timed, and lets no error through that the room under test promises.

    `judge` looks at what came out: it raises where that is not sound, and gives what a second run has to give too.
    `fixed` are cases too large or too rare to be drawn, each run once. `tokens` are bytes that mean something to the
    reader: mutations insert them. `megabytes` is what a small case may take, `rounds` what the suite runs (watch.py).
    `open` are findings that are known and not mended yet; the suite fails where a fixed case is mended after all.
    """

    cases: st.SearchStrategy[bytes]
    read: Callable[[bytes], Any]
    judge: Callable[[bytes, Any], object]
    rounds: int
    megabytes: int
    tokens: tuple[bytes, ...] = ()
    fixed: Mapping[str, Callable[[], bytes]] = field(default_factory=dict)
    open: frozenset[str] = frozenset()


def insist(condition: object, says: str) -> None:
    """As assert, in a file that pytest does not rewrite."""
    if not condition:
        raise Wrong(says)


def causes(error: BaseException) -> Iterator[BaseException]:
    """An error and all that it stands for, also where `from None` hides it."""
    seen: list[BaseException] = []
    todo: list[BaseException | None] = [error]
    while todo:
        found = todo.pop()
        if found is not None and found not in seen:
            seen.append(found)
            yield found
            todo += [found.__cause__, found.__context__]


def allowed(error: BaseException) -> str:
    """An error that the code under test may raise, in words; not where it covers up that memory ran out."""
    for cause in causes(error):
        if isinstance(cause, MemoryError) or "allocate memory" in str(cause):
            raise Wrong(f"memory was asked for that is not there: {cause!r}") from error
    return f"{type(error).__name__}: {error}"


def often(usual: st.SearchStrategy[Any], *rare: st.SearchStrategy[Any], times: int = 6) -> st.SearchStrategy[Any]:
    """Mostly the usual: a case with three things wrong is refused for the first."""
    return st.integers(0, times - 1 + len(rare)).flatmap(lambda n: usual if n < times else rare[n - times])
