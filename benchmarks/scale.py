"""The bookkeeping of very large classes: store, keys, table of grades, report. Nothing is graded.

    python benchmarks/scale.py [SIZE ...]

For each size a store in SQLite filled as `grade batch` fills it (a transaction a submission, on the disk before the
next), with records of submissions of ex03 that were graded once: right ones and wrong ones, some 20 KB each.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from grader import course
from grader.batch.bench import Bench
from grader.batch.parcel import Parcel
from grader.batch.run import setup_of
from grader.classview import publish
from grader.collect import Module
from grader.store import Row, Store

EXERCISE = "ex03_output_size"
ROOT = Path(__file__).resolve().parent.parent


def templates() -> list[Row]:
    """Rows of a few submissions that are graded here."""
    right = (ROOT / "solutions" / f"{EXERCISE}.py").read_text("utf-8")
    texts = [right, right.replace("// stride + 1", "// stride + 2", 1), right.replace("lost // 2", "lost // 2 + 1")]
    bench = Bench(setup_of({EXERCISE: None}, "cpu", None))
    rows = []
    for text in texts:
        graded = bench.grade(Parcel("name", "0" * 64, {EXERCISE: Module(EXERCISE, f"{EXERCISE}.py", text)}))
        facts = ("graded", graded.score, graded.max_score, graded.record, "", 1.0, datetime.now(UTC))
        rows.append(Row("name", "name", "k" * 64, "0" * 64, *facts))
    bench.close()
    return rows


def measure(size: int, rows: list[Row], folder: Path) -> None:
    known = course.load()
    with Store.in_folder(folder) as store:
        took: dict[str, float] = {}

        def timed(what: str, started: float) -> None:
            took[what] = time.perf_counter() - started

        started = time.perf_counter()
        for number in range(size):
            name = f"student{number:07}"
            row = rows[number % len(rows)]
            told = json.loads(row.record)
            told["submission"]["name"] = name
            store.put(replace(row, name=name, file=name, record=json.dumps(told, indent=2)))
        timed("put, each a transaction", started)
        started = time.perf_counter()
        store.keys()
        timed("keys, when a batch begins", started)
        started = time.perf_counter()
        for _ in store.rows():
            pass
        timed("rows, all of them", started)
        started = time.perf_counter()
        publish(folder, store, known)
        timed("grades.csv and report.html", started)
    weight = sum(path.stat().st_size for path in folder.iterdir()) / 2**20
    page = (folder / "report.html").stat().st_size / 2**20
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{size:,} submissions: {weight:,.0f} MB on the disk, page {page:.1f} MB, {peak:,.0f} MB of memory so far")
    for what, seconds in took.items():
        print(f"  {what:28} {seconds:8.2f} s   {1000 * seconds / size:8.3f} ms a submission", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sizes", nargs="*", type=int, default=[1000, 10_000, 100_000])
    made = templates()
    for each in parser.parse_args().sizes:
        with tempfile.TemporaryDirectory() as name:
            measure(each, made, Path(name))
