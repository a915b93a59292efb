"""Conversations that are known to end well: a learner who answers alike, byte for byte, is not judged anew.

A check asks and judges by nothing but what it was given and what is answered. So where every answer in a case is the
very one of a case that passed, the check would ask the same and pass again: what it would ask is asked without it. At
the first answer that differs the check itself runs, and hears again what was said so far.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .holdings import MANY
from .link import Link
from .record import Case, Exchange, key


@dataclass(frozen=True, slots=True)
class Known:
    """A case that passed. `keys`: its replies as bytes. `begins`, `ends`: the last handle that was given before, after.

    Handles are names that a check gives to objects over there: they are part of what is said.
    """

    case: Case
    keys: tuple[bytes, ...]
    begins: int
    ends: int

    @classmethod
    def of(cls, case: Case, begins: int, ends: int) -> Known | None:
        """None for a case in which somebody was not answered, or that is very long: see holdings.py."""
        replies = [exchange.reply for exchange in case.exchanges]
        keys = tuple(key(reply) for reply in replies if reply is not None)
        return cls(case, keys, begins, ends) if len(keys) == len(replies) <= MANY else None


def follow(link: Link, known: Sequence[Known]) -> Case | None:
    """The known case that this conversation turns out to be. None: what was said lies in `link.ahead`."""
    left = [each for each in known if each.begins == link.handles]
    said: list[Exchange] = []
    while left:
        ended = next((each for each in left if len(each.keys) == len(said)), None)
        if ended is not None:
            _leave(link, ended)
            return ended.case
        next_one = left[0].case.exchanges[len(said)]
        said.append(link.ask(next_one.request, next_one.body))
        left = _who_heard(left, said)
    link.ahead.extend(said)
    return None


def _who_heard(left: Sequence[Known], said: Sequence[Exchange]) -> list[Known]:
    """Those in which the last answer is the same, to the same question."""
    last, step = said[-1], len(said) - 1
    if last.reply is None:
        return []
    heard = key(last.reply)
    return [
        each
        for each in left
        if len(each.keys) > step
        and each.keys[step] == heard
        and each.case.exchanges[step].answer == last.answer
        and each.case.exchanges[step].asks(last.request, last.body)
    ]


def _leave(link: Link, known: Known) -> None:
    """As if the check had run: its names are given, and what they stand for ends with this case."""
    link.handles = known.ends
    for exchange in known.case.exchanges:
        link.holdings.note(exchange.request, exchange.answer)
