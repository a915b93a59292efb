"""Makes a class of submissions of ex03: right, half right, wrong, hostile and broken ones, the same every time.

python benchmarks/a_class.py FOLDER [COUNT] [--right]
"""

from __future__ import annotations

import argparse
import json
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXERCISE = "ex03_output_size"
TURNS = (("// stride + 1", "// stride + 2"), ("lost // 2", "lost // 2 + 1"), ("2 * padding", "padding"), ("- 1", "- 2"))
HOSTILE = (
    "import os\nos._exit(0)\n",
    "while True: pass\n",
    "def conv_output_size(*a, **k):\n    while True: pass\n",
    "x = []\nwhile True: x.append(bytes(10**7))\n",
    "import os\nwhile True: os.fork()\n",
    "print('x' * 10**7)\nclass Equal(int):\n    __eq__ = lambda a, b: True\n    __hash__ = int.__hash__\n"
    "def conv_output_size(*a, **k): return Equal(1)\ndef same_padding(*a, **k): return Equal(1)\n",
    "import sys\nsys.setrecursionlimit(10**9)\ndef conv_output_size(*a, **k): return conv_output_size(*a, **k)\n",
    "def conv_output_size(*a, **k): raise KeyboardInterrupt\ndef same_padding(*a, **k): raise SystemExit(0)\n",
)
BROKEN = ("def conv_output_size(:\n", "\x00\x01", "", "import torchvision.ops\nx = torchvision.ops.nms()\n")


def make(folder: Path, count: int, *, right_alone: bool = False) -> None:
    """Sixteen in twenty right or nearly, two hostile, two broken; or all of them right."""
    styles = [ROOT / "solutions" / f"{EXERCISE}.py", *sorted((ROOT / "tests" / "right" / EXERCISE).glob("*.py"))]
    texts = [path.read_text("utf-8") for path in styles]
    for number in range(count):
        place = number % 20
        text = f"{texts[number % len(texts)]}\n# submission {number}\n"
        if right_alone or place < 8:
            pass
        elif place < 16:
            old, new = TURNS[number // 20 % len(TURNS)]
            text = texts[0].replace(old, new, 1 + place % 2) + f"\n# submission {number}\n"
        elif place < 18:
            text = HOSTILE[number % len(HOSTILE)] + f"# submission {number}\n"
        else:
            text = BROKEN[number % len(BROKEN)]
        write(folder / f"student{number:05}", number, text)


def write(place: Path, number: int, text: str) -> None:
    """As a folder mostly, else as a file, a zip or a notebook."""
    kind = number % 10
    if kind == 7:
        place.with_suffix(".py").write_text(text, "utf-8")
    elif kind == 8:
        with zipfile.ZipFile(place.with_suffix(".zip"), "w") as archive:
            archive.writestr(zipfile.ZipInfo(f"{EXERCISE}.py"), text)
    elif kind == 9:
        cell = {"cell_type": "code", "id": "a", "metadata": {}, "outputs": [], "execution_count": None, "source": text}
        book = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
        place.with_suffix(".ipynb").write_text(json.dumps(book), "utf-8")
    else:
        place.mkdir(parents=True)
        (place / f"{EXERCISE}.py").write_text(text, "utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("count", nargs="?", type=int, default=500)
    parser.add_argument("--right", action="store_true", help="all of them right")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True)
    make(arguments.folder, arguments.count, right_alone=arguments.right)
