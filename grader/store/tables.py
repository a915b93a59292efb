"""The tables of a class's store."""

from __future__ import annotations

from sqlalchemy import Column, DateTime, Float, Integer, MetaData, String, Table, Text

SCHEMA = 1

metadata = MetaData()

about = Table(
    "about",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("value", Text, nullable=False),
)
results = Table(
    "results",
    metadata,
    Column("name", String(255), primary_key=True),  # of the submission, as the table of grades has it
    Column("file", String(255), nullable=False),  # of its result and feedback, without suffix
    Column("key", String(64), nullable=False),  # of all that the result depends on: batch/key.py
    Column("sha256", String(64), nullable=False),
    Column("status", String(20), nullable=False),  # graded, unreadable, fault
    Column("score", Float),  # null where there is no grade
    Column("max_score", Float, nullable=False),
    Column("record", Text, nullable=False),  # the JSON of schema grade/1, "" where it could not be read
    Column("message", Text, nullable=False),  # why there is no record, or what the fault was
    Column("seconds", Float, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
)
changes = Table(
    "changes",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("who", String(200), nullable=False),
    Column("why", Text, nullable=False),
    Column("what", Text, nullable=False),  # JSON: see marks/edits.py
)
