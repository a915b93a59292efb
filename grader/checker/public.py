"""The check file of every exercise in a learner's kit, where hidden checks are not: the examples of the statement."""

from grader.checker.examples import test_printed

__all__ = ["test_printed"]
