"""`python -P -m grader`: the same as the console script `grade`."""

from .cli import main

main()
