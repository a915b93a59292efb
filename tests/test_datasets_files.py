"""Sets as plain files: any program reads them, checksums hold, nothing is overwritten; and data from elsewhere."""

from __future__ import annotations

import csv
import io
import json
import shutil
import subprocess
import sys
import urllib.error
from pathlib import Path

import numpy as np
import pytest
import torch
from kit import ROOT
from PIL import Image

from grader.datasets import digits, downloads, files
from grader.datasets.__main__ import main
from grader.datasets.outlines import SHAPES
from grader.datasets.shapes import SCENE, SINGLE, scenes
from grader.errors import UsageError
from grader.references import load


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sets") / "scenes"
    assert main(["write", str(folder), "--count", "12", "--seed", "4", "--split", "mine"]) == 0
    return folder


def test_pictures_and_masks_are_what_was_drawn(written: Path) -> None:
    made = scenes(SCENE, 12, 4, "mine")
    for place in range(12):
        picture, mask = (
            np.asarray(Image.open(written / name.format(place))) for name in ("pictures/{:05}.ppm", "masks/{:05}.pgm")
        )
        assert np.array_equal(picture.transpose(2, 0, 1), made.images[place])
        assert np.array_equal(mask, made.masks[place])


def test_the_table_has_every_object(written: Path) -> None:
    made = scenes(SCENE, 12, 4, "mine")
    rows = list(csv.DictReader(io.StringIO((written / "objects.csv").read_text("utf-8"))))
    assert [int(row["picture"]) for row in rows] == made.picture.tolist()
    assert [SHAPES.index(row["shape"]) for row in rows] == made.shape.tolist()
    assert [[int(row[side]) for side in ("x1", "y1", "x2", "y2")] for row in rows] == made.boxes.tolist()


def test_it_says_what_to_ask_for(written: Path) -> None:
    about = json.loads((written / "about.json").read_text("utf-8"))
    assert about == {"version": "shapes/1", "kind": "scene", "count": 12, "seed": 4, "split": "mine"}


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="no sha256sum on this system")
def test_the_system_s_own_program_knows_the_checksums(written: Path) -> None:
    subprocess.run(["sha256sum", "--quiet", "--strict", "-c", "SHA256SUMS"], cwd=written, check=True)


def test_every_file_has_a_checksum_and_every_change_is_found(
    written: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(written, folder)
    assert (files.differing(folder), main(["check", str(folder)])) == ([], 0)
    everything = sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())
    assert len(everything) == 12 + 12 + 3
    for name in everything:
        if name != files.SUMS:
            (folder / name).write_bytes((folder / name).read_bytes()[:-1])
    (folder / "masks" / "00003.pgm").unlink()
    assert files.differing(folder) == [name for name in everything if name != files.SUMS]
    capsys.readouterr()
    assert main(["check", str(folder)]) == 1
    assert "masks/00003.pgm is missing or not what it was" in capsys.readouterr().out


def test_the_same_set_is_the_same_bytes() -> None:
    one, other = (list(files.contents(SINGLE, 3, 9, "train")) for _ in range(2))
    assert one == other
    assert [name for name, _ in one] == sorted(name for name, _ in one)


def test_nothing_is_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.txt").write_text("precious")
    assert main(["write", str(tmp_path), "--count", "1"]) == 2
    assert "not empty" in capsys.readouterr().err
    assert [file.name for file in tmp_path.iterdir()] == ["mine.txt"]
    with pytest.raises(UsageError, match="not empty"):
        files.write(tmp_path / "mine.txt", SINGLE, 1, 0)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (["check", "."], "SHA256SUMS cannot be read: No such file"),
        (["write", "new", "--count", "-3"], "count must not be negative"),
        (["write", "new", "--count", "100001"], "count must be 100,000 at most, got 100,001"),
        (["write", "new", "--seed", "-1"], "seed must not be negative"),
        (["write", "file/new", "--count", "1"], "file/new cannot be written: Not a directory"),
    ],
    ids=str,
)
def test_wrong_usage_is_a_sentence(
    wrong: list[str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    assert main(wrong) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert says in line
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("sums", "says"),
    [(b"", "is empty"), (b"\xff\xfe", "not UTF-8"), (b"0" * 64 + b"  about.json\nabout.json\n", "line 2: neither")],
)
def test_checksums_that_are_none_do_not_pass_for_a_set_that_is_fine(sums: bytes, says: str, tmp_path: Path) -> None:
    (tmp_path / files.SUMS).write_bytes(sums)
    with pytest.raises(UsageError, match=says):
        files.differing(tmp_path)


def test_a_folder_in_the_place_of_a_file_is_a_difference(tmp_path: Path) -> None:
    files.write(tmp_path / "set", SINGLE, 0, 0)
    (tmp_path / "set" / "objects.csv").unlink()
    (tmp_path / "set" / "objects.csv").mkdir()
    assert files.differing(tmp_path / "set") == ["objects.csv"]


def test_digits_are_real_pictures() -> None:
    images, labels = digits.digits()
    assert (images.shape, images.dtype, labels.dtype) == ((1797, 1, 8, 8), torch.float32, torch.int64)
    assert (float(images.min()), float(images.max())) == (0.0, 1.0)
    assert labels.bincount().tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]  # as UCI counts them
    means = torch.stack([images[labels == digit].mean(0) for digit in range(10)]).flatten(1)
    nearest = torch.cdist(images.flatten(1), means).argmin(1)
    assert float((nearest == labels).float().mean()) > 0.85  # they look like what they are called


def test_digits_without_scikit_learn_say_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(UsageError, match=r"pip install 'cnn-grader\[datasets\]'"):
        digits.digits()


@pytest.fixture
def unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(*args: object, **kwargs: object) -> None:
        raise urllib.error.URLError("no route to host")

    monkeypatch.setattr("urllib.request.urlopen", ask)


LOADERS = [downloads.cifar10, downloads.voc_segmentation, downloads.voc_detection]


@pytest.mark.parametrize("load", LOADERS, ids=lambda load: load.__name__)
@pytest.mark.usefixtures("unreachable")
def test_without_a_network_a_loader_says_what_to_do(load: object, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as error:
        load(tmp_path / "data")  # type: ignore[operator]
    said = str(error.value)
    assert "no route to host" in said
    assert str(tmp_path / "data") in said
    assert "cifar-10-python.tar.gz" in said or "VOCtrainval_11-May-2012.tar" in said
    assert "try again" in said


def test_what_is_there_needs_no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A VOC of one photograph, laid out as the real one."""
    monkeypatch.setattr("urllib.request.urlopen", lambda *args, **kwargs: pytest.fail("the network was asked"))
    root = tmp_path / "VOCdevkit" / "VOC2012"
    for name in ("JPEGImages", "SegmentationClass", "ImageSets/Segmentation"):
        (root / name).mkdir(parents=True)
    (root / "ImageSets/Segmentation/train.txt").write_text("one\n")
    Image.new("RGB", (6, 4)).save(root / "JPEGImages/one.jpg")
    Image.new("L", (6, 4), 7).save(root / "SegmentationClass/one.png")
    picture, mask = downloads.voc_segmentation(tmp_path)[0]
    assert (picture.size, mask.getpixel((0, 0))) == ((6, 4), 7)


@pytest.mark.usefixtures("unreachable")
def test_a_set_of_which_a_part_is_missing_is_asked_for_again(tmp_path: Path) -> None:
    (tmp_path / "VOCdevkit" / "VOC2012").mkdir(parents=True)  # and no list of its pictures
    with pytest.raises(UsageError, match="no route to host"):
        downloads.voc_detection(tmp_path)


def test_a_year_that_voc_does_not_have_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="1999"):
        downloads.voc_detection(tmp_path, year="1999")


@pytest.mark.parametrize("name", ["single.png", "scene.png", "boxes.png", "digits.png"])
def test_the_pictures_of_the_page_are_what_the_generator_draws(name: str) -> None:
    script = load(ROOT / "docs" / "datasets" / "draw.py", "draw")
    assert name in script.PICTURES
    kept = np.asarray(Image.open(ROOT / "docs" / "datasets" / name).convert("RGB"))
    assert np.array_equal(kept, script.PICTURES[name]())
    assert f"(datasets/{name})" in (ROOT / "docs" / "datasets.md").read_text("utf-8")
