"""`python -s -P -S <this file> FD LIBRARY…`: becomes the zygote. grader/learner/zygote.py starts it.

This folder is imported as the package `worker`, from its own parent folder, which then leaves `sys.path` again: no
check, no reference and no other room of the grader can be imported in here.
"""

import os
import sys


def start() -> None:
    fd, libraries = int(sys.argv[1]), sys.argv[2:]
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [path for path in sys.path if path and os.path.abspath(path) != here] + libraries
    sys.path.insert(0, os.path.dirname(here))
    import site

    site.setquit()  # `exit()` is a name that learners know; -S leaves it out
    site.sethelper()
    from worker import zygote  # type: ignore[import-not-found]  # this folder, by the name it has in here

    sys.path.pop(0)
    sys.modules["grader"] = None  # type: ignore[assignment]  # not even by an installed name
    sys.argv[:] = ["worker"]
    zygote.ignore_interrupts()
    zygote.main(fd)
    os._exit(0)  # nobody waits for torch to take itself down


start()
