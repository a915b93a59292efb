"""Imported once by the process that jobs are forked from: what each of them would import first."""

import gc

import torch

from grader import pipeline
from grader.checker import check, collected, deck, diagnose, judge, run, strategies
from grader.report import html, record
from grader.worker.slim import skip_dynamo

__all__ = ["check", "collected", "deck", "diagnose", "html", "judge", "pipeline", "record", "run", "strategies"]

torch.set_num_threads(1)
skip_dynamo()
gc.collect()
gc.freeze()  # jobs share these pages as long as no collector of theirs walks over them
