"""Handing in folders whose files are something else: links, pipes, devices, things that change, that never end."""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
import stat
import threading
import time
from collections.abc import Callable
from pathlib import Path

from ..attack import RAISED, TURNED_AWAY, Attack
from ..made import CLASSMATE, MODULE, NAME, RIGHT, SECRET, hand_in, notebook
from ..throwaway import ROOT

_HERE, _EXCHANGE = -100, 2  # AT_FDCWD, RENAME_EXCHANGE
_RACE_SECONDS = 0.3  # a submission is read in a hundredth of that


def _linked(target: Path, name: str = NAME) -> Callable[[Path], Path]:
    """A folder in which one name is a symbolic link."""

    def build(folder: Path) -> Path:
        (folder / name).symlink_to(target)
        return folder

    return build


def _hard_links(folder: Path) -> Path:
    """Of two files of another's: who may write to the folder need not be able to read what they name in it."""
    os.link(SECRET, folder / NAME)
    (folder / "exercises").mkdir()
    os.link(CLASSMATE, folder / "exercises" / NAME)
    return folder


def _pipe(folder: Path) -> Path:
    os.mkfifo(folder / NAME)
    os.mkfifo(folder / "ex03 (1).py")
    return folder


def _devices(folder: Path) -> Path:
    """What a learner can make of them: links to ours, one that stands for nothing, a socket."""
    (folder / NAME).symlink_to("/dev/zero")
    (folder / "ex03_output_size.ipynb").symlink_to("/proc/self/fd/0")
    (folder / "exercises").mkdir()
    with contextlib.suppress(PermissionError):  # older kernels
        os.mknod(folder / "exercises" / NAME, stat.S_IFCHR | 0o666, os.makedev(0, 0))
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(folder / "ex03.py"))
    return folder


def _chain(folder: Path) -> Path:
    """Links to links, and one that leads to itself."""
    (folder / NAME).symlink_to("a")
    (folder / "a").symlink_to("b")
    (folder / "b").symlink_to(SECRET)
    (folder / "exercises").symlink_to("exercises")
    return folder


def _racing(name: str, target: Path) -> Callable[[Path], Path]:
    """A folder in which somebody else goes on swapping a name for a link, in one step, while it is being read."""

    def build(folder: Path) -> Path:
        mine, link = folder / "mine", folder / "link"
        for place in ("", "exercises/"):
            hand_in(mine, f"{place}ex03_output_size.ipynb", notebook(MODULE))  # whoever wins, something is graded
        hand_in(mine, f"exercises/{NAME}")
        link.symlink_to(target)
        exchange = ctypes.CDLL(None).renameat2
        paths = os.fsencode(mine / name), os.fsencode(link)
        until = time.monotonic() + _RACE_SECONDS

        def go_on() -> None:
            while time.monotonic() < until:
                exchange(_HERE, paths[0], _HERE, paths[1], _EXCHANGE)

        threading.Thread(target=go_on, daemon=True).start()
        return mine

    return build


def _growing(folder: Path) -> Path:
    """A module to which somebody goes on writing."""
    path = hand_in(folder, NAME)
    until = time.monotonic() + _RACE_SECONDS

    def go_on() -> None:
        with path.open("ab") as file:
            while time.monotonic() < until and file.tell() < 2**26:
                file.write(b"# more\n" * 10_000)

    threading.Thread(target=go_on, daemon=True).start()
    return folder


def _sparse(folder: Path) -> Path:
    """Files of a terabyte each that take no room."""
    for name in (NAME, "ex03_output_size.ipynb", f"exercises/{NAME}"):
        os.truncate(hand_in(folder, name), 2**40)
    return folder


def _barred(folder: Path) -> Path:
    path = hand_in(folder, NAME)
    path.chmod(0)
    return folder


def _deep(folder: Path) -> Path:
    """A hundred folders, each in the one before it and called as the modules are looked for."""
    hand_in(folder, NAME)
    place = folder
    for _ in range(100):
        place = place / "exercises"
    hand_in(place, NAME, RIGHT)
    return folder


def _crowd(folder: Path) -> Path:
    """Five thousand files that all could be the exercise."""
    hand_in(folder, NAME)
    for number in range(5000):
        os.close(os.open(folder / f"ex03 ({number}).py", os.O_CREAT | os.O_WRONLY))
    return folder


def _odd_names(folder: Path) -> Path:
    """Names that a file system takes and nobody should print, or give to a shell."""
    hand_in(folder, NAME)
    for name in (
        b"ex03\n::error::.py", b"ex03 \x1b[2J\x1b]0;x\x07.py", b"-rf ex03.py", b"ex03 \xff\xfe.py",
        b"ex03 \xe2\x80\xae.py", b"ex03 $(touch owned).py", b"ex03 ; touch owned ;.py", b"ex03 " + b"x" * 240 + b".py",
        b"ex03 ##[add].py", b"ex03\r.py", b"ex03 <script>.py", b"..ex03.py",
        b"ex03 \xcc\xb8\xcc\xb8\xcc\xb8\xcc\xb8\xcc\xb8\xcc\xb8.py",
    ):  # fmt: skip
        os.close(os.open(os.fsencode(folder) + b"/" + name, os.O_CREAT | os.O_WRONLY))
    return folder


def _itself_a_link(folder: Path) -> Path:
    link = folder / "alice"
    link.symlink_to(CLASSMATE.parent)
    return link


ATTACKS = [
    Attack("folder_link_to_secret", "hands in a link to a file of ours", build=_linked(SECRET), says="symbolic link"),
    Attack(
        "folder_link_to_checks",
        "hands in a link to the hidden checks",
        build=_linked(ROOT / "grader" / "checks" / "test_ex03_output_size.py"),
        says="symbolic link",
    ),
    Attack(
        "folder_link_to_reference",
        "hands in a link to the reference",
        build=_linked(ROOT / "solutions" / NAME),
        says="symbolic link",
    ),
    Attack(
        "folder_linked_exercises",
        "has a classmate's folder linked in the place of its exercises",
        build=_linked(CLASSMATE.parent, "exercises"),
        says="symbolic link",
    ),
    Attack("folder_links_in_a_chain", "hands in a link to a link to a link", build=_chain, says="symbolic link"),
    Attack("folder_that_is_a_link", "is itself a link to a classmate's", build=_itself_a_link, verdicts=TURNED_AWAY),
    Attack(
        "folder_of_hard_links",
        "hands in other people's files by giving them one more name",
        build=_hard_links,
        says="it is a hard link",
    ),
    Attack("folder_with_a_pipe", "hands in a pipe that nobody writes to", build=_pipe, says="it is a pipe"),
    Attack("folder_with_devices", "hands in devices, a socket and an open file of the grader", build=_devices),
    Attack(
        "folder_whose_file_is_swapped",
        "goes on swapping its module for a link to a classmate's while it is read",
        build=_racing(f"exercises/{NAME}", CLASSMATE),
    ),
    Attack(
        "folder_that_is_swapped",
        "goes on swapping its exercises for a classmate's while they are read",
        build=_racing("exercises", CLASSMATE.parent),
    ),
    Attack("folder_that_grows", "goes on writing while it is read", build=_growing, verdicts=RAISED | {"wrong"}),
    Attack("folder_of_terabytes", "hands in files of a terabyte", build=_sparse, verdicts=RAISED, says="larger than"),
    Attack("folder_barred", "hands in a file that nobody may read", build=_barred),
    Attack("folder_nested", "is a hundred folders deep", build=_deep),
    Attack("folder_crowded", "is a folder of five thousand modules", build=_crowd),
    Attack("folder_odd_names", "has names that act where they are printed or given to a shell", build=_odd_names),
]
