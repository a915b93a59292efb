"""`python -m grader.author.stubs`: writes exercises/ from solutions/; with `--check` says where they differ."""

from __future__ import annotations

import sys

from grader import course, source


def outdated(known: course.Course) -> dict[str, str]:
    """Exercise -> what its stub should be, for those that are not."""
    wanted = {name: source.stub(known.source_file(name).read_text("utf-8")) for name in known.names}
    return {name: text for name, text in wanted.items() if _present(known, name) != text}


def _present(known: course.Course, name: str) -> str | None:
    file = known.stub_file(name)
    return file.read_text("utf-8") if file.is_file() else None


def main(arguments: list[str]) -> int:
    known = course.load()
    different = outdated(known)
    for name, text in different.items():
        if "--check" in arguments:
            sys.stderr.write(f"{known.stub_file(name)} differs from its source: run python -m grader.author.stubs\n")
        else:
            known.stub_file(name).write_text(text, "utf-8")
    return 1 if different and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
