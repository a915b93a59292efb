"""The hidden checks, a file an exercise: pytest functions that no learner's code ever shares a process with."""
