"""`python datasets/golden.py`: writes golden.json, what the generator gives for seed 0, by SHA-256.

Only for a new version of the shapes: a change of one pixel is a change of everybody's data, and tests compare.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np

from grader.datasets.shapes import SCENE, SINGLE, VERSION, Kind, scenes

COUNT, PARTS = 40, ("images", "owner", "masks", "picture", "shape", "boxes")


def fingerprint(kind: Kind, split: str) -> dict[str, str]:
    """Every array of the first 40 pictures of seed 0, little-endian and in C order."""
    made = scenes(kind, COUNT, 0, split)
    arrays = {name: np.ascontiguousarray(getattr(made, name)) for name in PARTS}
    return {
        name: hashlib.sha256(value.astype(value.dtype.newbyteorder("<")).tobytes()).hexdigest()
        for name, value in arrays.items()
    }


def golden() -> dict[str, dict[str, dict[str, str]]]:
    names = [(kind, split) for kind in (SINGLE, SCENE) for split in ("train", "test")]
    return {VERSION: {f"{kind.name}/{split}": fingerprint(kind, split) for kind, split in names}}


if __name__ == "__main__":
    text = json.dumps(golden(), indent=1) + "\n"
    Path(__file__).with_name("golden.json").write_text(text, "utf-8")
