"""Fuzzers of everything that reads bytes of strangers: a target a file, `python -m tests.fuzz` runs them longer."""
