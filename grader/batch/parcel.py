"""What travels to a job and back, as JSON: no pickle, and nothing that has to be on the other machine's disk."""

from __future__ import annotations

import msgspec

from grader.collect import Module, Submission
from grader.errors import GraderFault
from grader.pipeline import Wanted


class Parcel(msgspec.Struct, frozen=True):
    """One submission, read; without modules where it could not be."""

    name: str
    sha256: str
    modules: dict[str, Module]
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, submission: Submission) -> Parcel:
        return cls(submission.name, submission.sha256, dict(submission.modules), submission.notes)

    @property
    def submission(self) -> Submission:
        return Submission(self.name, self.sha256, self.modules, self.notes)


class Graded(msgspec.Struct, frozen=True):
    """What became of a parcel. `fault`: why there is no grade, which is never the learner's doing."""

    record: str = ""
    page: str = ""
    score: float | None = None
    max_score: float = 0.0
    seconds: float = 0.0
    fault: str = ""


class Setup(msgspec.Struct, frozen=True):
    """What every job of a batch has to know. `wanted`: exercise -> tasks, or None for all; everything where empty."""

    wanted: dict[str, tuple[str, ...] | None]
    device: str = "cpu"
    seconds: float | None = None  # that all answers of one submission may take, where it is not the course's
    audience: str = "learner"  # who reads the feedback pages
    unsandboxed: bool = False  # whether submissions may run where they cannot be locked down

    @property
    def chosen(self) -> Wanted:
        return Wanted({name: None if tasks is None else frozenset(tasks) for name, tasks in self.wanted.items()})


_encoder = msgspec.json.Encoder()


def packed(value: Parcel | Graded | Setup) -> bytes:
    return _encoder.encode(value)


def parcel(data: bytes) -> Parcel:
    return msgspec.json.decode(data, type=Parcel)


def setup(data: bytes) -> Setup:
    return msgspec.json.decode(data, type=Setup)


def graded(data: bytes) -> Graded:
    """Raises GraderFault: a job of ours that answers something else is broken."""
    try:
        return msgspec.json.decode(data, type=Graded)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise GraderFault(f"a job answered what is no result: {error}") from None
