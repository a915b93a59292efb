"""Rows in, rows out. Every write is a transaction of its own: what was written is there after a crash."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from sqlalchemy import Engine, Table, create_engine, delete, event, insert, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from grader.errors import UsageError

from .tables import SCHEMA, about, changes, metadata, results

BUSY_SECONDS = 30  # that another program may hold the file
AT_ONCE = 500  # rows that are read together


class StoreError(UsageError):
    """The database cannot be opened, read or written. Says which and why."""


@dataclass(frozen=True, slots=True)
class Row:
    """One submission's result; see tables.py."""

    name: str
    file: str
    key: str
    sha256: str
    status: str
    score: float | None
    max_score: float
    record: str
    message: str
    seconds: float
    at: datetime


@dataclass(frozen=True, slots=True)
class Change:
    """What somebody decided about the grades of a class: `what` is JSON."""

    at: datetime
    who: str
    why: str
    what: str


class Store:
    """A class's database at `url`; made where there is none yet. Raises StoreError, whatever is wrong with it."""

    def __init__(self, url: str) -> None:
        self.url = url
        try:
            self._engine = _engine(url)
            metadata.create_all(self._engine)
            self._check()
        except (SQLAlchemyError, ImportError, ArgumentError) as error:
            raise self._failed("opened", error) from None

    @classmethod
    def in_folder(cls, folder: Path) -> Store:
        return cls(f"sqlite:///{folder / 'grades.db'}")

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._engine.dispose()

    def put(self, row: Row) -> None:
        """In place of what was known of this submission."""
        self._replace(results, "name", asdict(row))

    def forget(self, names: Sequence[str]) -> None:
        """Submissions that are not there any more."""
        with self._writing() as connection:
            for start in range(0, len(names), AT_ONCE):
                connection.execute(delete(results).where(results.c.name.in_(names[start : start + AT_ONCE])))

    def keys(self) -> dict[str, tuple[str, str, str]]:
        """Name -> (key, status, file) of every row."""
        columns = (results.c.name, results.c.key, results.c.status, results.c.file)
        return {name: (key, status, file) for name, key, status, file in self._read(select(*columns))}

    def rows(self) -> Iterator[Row]:
        """All of them by name, in the order of their code points whatever the server's language."""
        names = sorted(name for (name,) in self._read(select(results.c.name)))
        for start in range(0, len(names), AT_ONCE):
            part = names[start : start + AT_ONCE]
            found = {row.name: row for row in self._read(select(results).where(results.c.name.in_(part)))}
            for name in part:
                if name in found:
                    values = dict(found[name]._mapping)
                    values["at"] = _aware(values["at"])
                    yield Row(**values)

    def note(self, name: str, value: str) -> None:
        """A word about the whole class."""
        self._replace(about, "name", {"name": name, "value": value})

    def noted(self, name: str) -> str | None:
        found = [value for (value,) in self._read(select(about.c.value).where(about.c.name == name))]
        return found[0] if found else None

    def record_change(self, change: Change) -> None:
        with self._writing() as connection:
            connection.execute(insert(changes).values(**asdict(change)))

    def changes(self) -> list[Change]:
        """In the order in which they were made."""
        columns = (changes.c.at, changes.c.who, changes.c.why, changes.c.what)
        found = self._read(select(*columns).order_by(changes.c.number))
        return [Change(_aware(at), who, why, what) for at, who, why, what in found]

    def _check(self) -> None:
        known = self.noted("schema")
        if known is None:
            self.note("schema", str(SCHEMA))
        elif known != str(SCHEMA):
            raise StoreError(f"{self.shown()}: made by another version of grade (schema {known}, not {SCHEMA})")

    def _replace(self, table: Table, key: str, values: dict[str, Any]) -> None:
        with self._writing() as connection:
            connection.execute(delete(table).where(table.c[key] == values[key]))
            connection.execute(insert(table).values(**values))

    def _writing(self) -> _Guarded:
        return _Guarded(self, self._engine.begin())

    def _read(self, query: Any) -> Sequence[Any]:
        with _Guarded(self, self._engine.connect()) as connection:
            rows: Sequence[Any] = connection.execute(query).all()
        return rows

    def _failed(self, verb: str, error: Exception) -> StoreError:
        words = str(getattr(error, "orig", None) or error).strip().split("\n")[0]
        return StoreError(f"{self.shown()}: the database cannot be {verb}: {words}")

    def shown(self) -> str:
        """Its URL, without a password."""
        try:
            return make_url(self.url).render_as_string(hide_password=True)
        except ArgumentError:
            return self.url.partition(":")[0] + ":…"


class _Guarded:
    """A connection whose errors are said as ours."""

    def __init__(self, store: Store, inner: Any) -> None:
        self.store, self.inner = store, inner

    def __enter__(self) -> Any:
        try:
            return self.inner.__enter__()
        except SQLAlchemyError as error:
            raise self.store._failed("opened", error) from None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.inner.__exit__(kind, error, trace)
        except SQLAlchemyError as late:
            raise self.store._failed("written", late) from None
        if isinstance(error, SQLAlchemyError):
            raise self.store._failed("used", error) from None


def _engine(url: str) -> Engine:
    parsed = make_url(url)
    if parsed.drivername == "postgresql":  # psycopg 3 is what the extra installs
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() != "sqlite":
        return create_engine(parsed, pool_pre_ping=True)
    engine = create_engine(parsed, connect_args={"timeout": BUSY_SECONDS})

    @event.listens_for(engine, "connect")
    def _careful(connection: Any, _: object) -> None:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")

    return engine


def _aware(at: datetime) -> datetime:
    """SQLite keeps no time zone; ours is always UTC."""
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
