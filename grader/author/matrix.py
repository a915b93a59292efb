"""The kill matrix as a table: a row a named mistake, a column a check, a mark where the check caught it."""

from __future__ import annotations

from collections.abc import Iterator

from rich.table import Table
from rich.text import Text

from .kill import End
from .survivors import Siege
from .verify import Proof


def tables(proof: Proof) -> Iterator[Table | Text]:
    """One table a task, with the checks numbered, and the numbers explained below it."""
    for task in dict.fromkeys(task for task, _ in proof.checks):
        checks = [name for owner, name in proof.checks if owner == task]
        rows = [row for row in proof.rows if row.mistake.task == task]
        table = Table(title=f"{proof.exercise}::{task}", title_justify="left", box=None, pad_edge=False)
        table.add_column("mistake")
        for number in range(1, len(checks) + 1):
            table.add_column(str(number), justify="right")
        table.add_column("named")
        for row in rows:
            marks = ["x" if name in row.caught_by else "·" for name in checks]
            table.add_row(row.mistake.name, *marks, "yes" if row.named else "NO")
        yield table
        yield Text("\n".join(f"  {number:2} {name}" for number, name in enumerate(checks, 1)), style="dim")
        yield Text()
    if proof.idle:
        yield Text(f"caught no named mistake: {', '.join(proof.idle)}", style="yellow")
    for fault in proof.faults:
        yield Text(f"not proved: {fault}", style="red")


def mutant_lines(siege: Siege) -> Iterator[Text]:
    """How many mutants of the reference were noticed, and what does not hold."""
    counts = [f"{siege.count(end)} {end.replace('_', ' ')}" for end in End]
    yield Text(f"{siege.exercise}: {len(siege.outcomes)} mutants of the reference, {', '.join(counts)}")
    for fault in siege.faults:
        yield Text(f"not proved: {fault}", style="red")
    yield Text()
