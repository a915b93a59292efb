"""`python -m tests.escapes [FAMILY or NAME ...] [--fallback | --both] [--table FILE]`: what becomes of every attack."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .table import Row, run, run_batch, table
from .throwaway import CannotBeMade


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("only", nargs="*", help="families or names of attacks; all without any")
    parser.add_argument("--fallback", action="store_true", help="with user namespaces switched off")
    parser.add_argument("--both", action="store_true", help="with and without user namespaces")
    parser.add_argument("--table", type=Path, metavar="FILE", help="write the page of both there")
    parser.add_argument("--batch", action="store_true", help="forty submissions in a row, every second one hostile")
    options = parser.parse_args()
    if options.batch:
        found = run_batch()
        print("\n".join(found) or "the honest half got exactly what it gets alone")
        return bool(found)
    both = options.both or options.table is not None
    modes = [False, True] if both else [options.fallback]
    rows: dict[bool, list[Row]] = {}
    try:
        for fallback in modes:
            print("user namespaces off" if fallback else "with bubblewrap")
            rows[fallback] = run(options.only, fallback=fallback, tell=_line)
    except CannotBeMade as error:
        print(error, file=sys.stderr)
        return 2
    if options.table is not None:
        options.table.write_text(table(rows[False], rows[True]), "utf-8")
    return 1 if any(row.problems for found in rows.values() for row in found) else 0


def _line(row: Row) -> None:
    sign = "!!" if row.problems else "ok"
    print(
        f"{sign} {row.family}/{row.name}: {', '.join(row.verdicts)} {row.score:g} · {row.got[:100]} ({row.seconds} s)"
    )
    for problem in row.problems:
        print(f"     {problem}")


sys.exit(main())
