"""Tells when an exercise in a folder has new content: a thread that waits for the file system.

What editors do on the way does not matter: a file that is written twice, renamed into place, emptied and filled, or
gone for a moment gives one save, that of its new content.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import watchfiles

from grader.collect import Submission, collect
from grader.collect.candidates import BELOW
from grader.errors import UsageError

STEP, DEBOUNCE = 10, 60  # milliseconds: a pause in the changes that ends a save, and how long to wait for one

Contents = dict[str, tuple[str, str | None]]


class Saves:
    """`tell` gets every new state of the folder, in the thread of this object. `now` is the one at the start."""

    def __init__(self, folder: Path, names: Sequence[str], tell: Callable[[Submission], None]) -> None:
        self.folder, self.names, self.tell = folder, names, tell
        self.now = collect(folder, names)
        self._known = _contents(self.now)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._wait, name="saves", daemon=True)

    def __enter__(self) -> Saves:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join(2.0)

    def _wait(self) -> None:
        places = [path for path in (self.folder, self.folder / BELOW) if path.is_dir()]
        changes = watchfiles.watch(
            *places, watch_filter=None, step=STEP, debounce=DEBOUNCE, recursive=False, stop_event=self._stop,
            rust_timeout=500, raise_interrupt=False,
        )  # fmt: skip
        for _ in changes:
            self.look()

    def look(self) -> None:
        """Look what is there now, and tell where it is new."""
        try:
            found = collect(self.folder, self.names)
        except UsageError:  # the folder itself is gone for the moment
            return
        contents = _contents(found)
        kept = {name for name in self._known if not contents.get(name, ("", None))[0].strip()}
        if any(contents.get(name) != content for name, content in self._known.items() if name not in kept) or (
            contents.keys() - self._known.keys()
        ):
            self._known |= {name: content for name, content in contents.items() if name not in kept}
            self.tell(found)


def _contents(submission: Submission) -> Contents:
    return {name: (module.source, module.problem) for name, module in submission.modules.items()}
