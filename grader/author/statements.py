"""`python -m grader.author.statements`: writes docs/course/ from the sources; with `--check` says where it differs.

One page an exercise and one map of the course, made of what a learner may read: statement, signatures, docstrings,
bans. Hints and references never come near them: signatures are taken from the stub. The markup is in
statement.html.j2, its looks in statement.css, the pictures in solutions/pictures/.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from grader import source
from grader.course import Course, Exercise, load
from grader.prose import INLINE, Block, Kind, blocks, body, signatures
from grader.report.words import points


@dataclass(frozen=True, slots=True)
class Shown:
    """A task as its page shows it."""

    name: str
    points: float
    signature: str
    forbidden: tuple[tuple[str, str], ...]  # (what, why) of each ban
    blocks: tuple[Block, ...]


def statement(exercise: Exercise, pictures: Path) -> tuple[Block, ...]:
    """Without title and lecture, which stand above; EXERCISE-K.svg in place of the K-th indented block.

    EXERCISE-0.svg, for a statement without a drawing, comes after the first paragraph, EXERCISE-end.svg after all.
    """
    out: list[Block] = []
    drawings = 0
    for place, block in enumerate(body(exercise.statement)):
        drawings += block.kind is Kind.CODE
        drawn = _picture(pictures, exercise.name, drawings) if block.kind is Kind.CODE else None
        out.append(drawn or block)
        first = _picture(pictures, exercise.name, 0) if place == 0 else None
        out += [first] if first else []
    last = _picture(pictures, exercise.name, "end")
    return (*out, last) if last else tuple(out)


def _picture(folder: Path, name: str, place: int | str) -> Block | None:
    file = folder / f"{name}-{place}.svg"
    return Block(Kind.PICTURE, (file.read_text("utf-8").strip(),)) if file.is_file() else None


def tasks(known: Course, exercise: Exercise) -> tuple[Shown, ...]:
    file = known.source_file(exercise.name)
    heads = signatures(source.stub(file.read_text("utf-8"), str(file)))
    return tuple(
        Shown(
            task.name,
            task.points,
            heads[task.name].strip("\n"),
            tuple((ban.name, ban.because) for ban in task.bans),
            tuple(blocks(task.docstring)),
        )
        for task in exercise.tasks
    )


def inline(text: str) -> Markup:
    """`code`, **strong** and *emphasis* of one line; all else is text, escaped."""
    out, end = Markup(), 0
    for match in INLINE.finditer(text):
        tag = match.lastgroup or ""
        out += text[end : match.start()]
        out += Markup("<{0}>{1}</{0}>").format(Markup(tag), match[tag])
        end = match.end()
    return out + text[end:]


def pages(known: Course) -> dict[str, str]:
    """File name in docs/course -> what it should hold."""
    made = _environment()
    everything = made.get_template("statement.html.j2")
    out = {"index.html": everything.render(course=known, exercise=None)}
    for place, exercise in enumerate(known.exercises):
        out[f"{exercise.name}.html"] = everything.render(
            course=known,
            exercise=exercise,
            statement=statement(exercise, known.root / "solutions" / "pictures"),
            tasks=tasks(known, exercise),
            before=known.exercises[place - 1] if place else None,
            after=known.exercises[place + 1] if place + 1 < len(known.exercises) else None,
        )
    return out


def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.globals.update({"Kind": Kind, "inline": inline, "points": points, "ours": Markup})
    return made


def folder(known: Course) -> Path:
    return known.root / "docs" / "course"


def outdated(known: Course) -> dict[Path, str | None]:
    """File -> what it should hold, for those that do not; None where it should not be there."""
    wanted: dict[Path, str | None] = {folder(known) / name: text for name, text in pages(known).items()}
    wanted |= dict.fromkeys(set(folder(known).glob("*.html")) - set(wanted))
    return {file: text for file, text in wanted.items() if _present(file) != text}


def _present(file: Path) -> str | None:
    return file.read_text("utf-8") if file.is_file() else None


def main(arguments: list[str]) -> int:
    different = outdated(load())
    for file, text in different.items():
        if "--check" in arguments:
            sys.stderr.write(f"{file} differs from its source: run python -m grader.author.statements\n")
        elif text is None:
            file.unlink()
        else:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, "utf-8")
    return 1 if different and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
