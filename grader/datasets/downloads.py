"""CIFAR-10 and PASCAL VOC through torchvision, and a clear word where neither disk nor network has them.

torchvision is imported when a loader is called and never before: nothing that grades needs it.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from grader.errors import UsageError

if TYPE_CHECKING:
    from torchvision.datasets import CIFAR10, VOCDetection, VOCSegmentation

Made = TypeVar("Made")
_PATIENCE = 30.0  # seconds without a byte before a download is given up; torchvision itself would wait for ever


def cifar10(folder: Path, *, train: bool = True) -> CIFAR10:
    """60,000 photographs of 32 × 32 pixels in 10 classes (Krizhevsky 2009): 50,000 to train, 10,000 to test.

    An item is a picture, (3, 32, 32) of float32 from 0 to 1, and its class. UsageError: it is not to be had.
    """
    from torchvision import datasets, transforms

    return _found(
        "CIFAR-10 (170 MB)",
        folder,
        f"{datasets.CIFAR10.filename} (from {datasets.CIFAR10.url})",
        lambda download: datasets.CIFAR10(folder, train, transforms.ToTensor(), download=download),
    )


def voc_segmentation(folder: Path, *, year: str = "2012", image_set: str = "train") -> VOCSegmentation:
    """PASCAL VOC (Everingham et al. 2010), photographs and their masks. An item is two PIL images.

    In a mask 0 is the ground, 1 to 20 are classes, and 255 marks outlines that do not count. UsageError: as above.
    """
    from torchvision import datasets

    return _found(
        f"PASCAL VOC {year} (some GB)",
        folder,
        _archive(year),
        lambda download: datasets.VOCSegmentation(folder, year, image_set, download=download),
    )


def voc_detection(folder: Path, *, year: str = "2012", image_set: str = "train") -> VOCDetection:
    """PASCAL VOC, photographs and their boxes. An item is a PIL image and a dict made of the annotation's XML."""
    from torchvision import datasets

    return _found(
        f"PASCAL VOC {year} (some GB)",
        folder,
        _archive(year),
        lambda download: datasets.VOCDetection(folder, year, image_set, download=download),
    )


def _archive(year: str) -> str:
    from torchvision.datasets import voc

    if year not in voc.DATASET_YEAR_DICT:
        raise UsageError(f"there is no PASCAL VOC of {year!r}; there is: {', '.join(sorted(voc.DATASET_YEAR_DICT))}")
    known = voc.DATASET_YEAR_DICT[year]
    return f"{known['filename']} (from {known['url']})"


def _found(what: str, folder: Path, archive: str, make: Callable[[bool], Made]) -> Made:
    """From the folder where it is there, else from the network. UsageError that says how to have it without one."""
    try:
        return make(False)
    except (OSError, RuntimeError):
        pass  # torchvision's ways to say that it is not there, or a part of it alone
    try:
        with _patience():
            return make(True)
    except (OSError, RuntimeError) as error:  # RuntimeError: what came is not what was asked for
        raise UsageError(
            f"{what} is not in {folder}, and downloading it failed: {error}. It needs the network once: try again "
            f"where there is one, or put {archive} into {folder} and call this again."
        ) from error


@contextmanager
def _patience() -> Iterator[None]:
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_PATIENCE)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
