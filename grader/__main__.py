"""`python -P -m grader`: the same as the console script `grade`."""

import os
import sys

if not sys.flags.safe_path and sys.path and os.path.abspath(sys.path[0]) == os.getcwd():
    del sys.path[0]  # without -P Python looks here first: in a submission's folder a typer.py would be ours

from .cli import main

main()
