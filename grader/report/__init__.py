"""Renderers: pure functions from a `Report` to text. They know `grader.model` and nothing of how grading is done."""
