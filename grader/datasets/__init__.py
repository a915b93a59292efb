"""Data to learn from: pictures of shapes that a seed makes, real digits, and loaders for CIFAR-10 and VOC.

`shapes` draws in integers with numpy alone, `tensors` gives it as PyTorch wants it, `files` writes it down; `digits`
and `downloads` are real pictures. `python -m grader.datasets --help` writes a set into a folder. See docs/datasets.md.
"""
