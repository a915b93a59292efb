"""The pages of docs/course: made of what a learner may read, current, and with pictures whose numbers are right."""

from __future__ import annotations

import dataclasses
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
import torch
import torch.nn.functional as F
from kit import ROOT, solution

from grader import course, source
from grader.author import statements
from grader.author.statements import Kind
from grader.references import reference

COURSE = course.load()
PAGES = statements.pages(COURSE)
PICTURES = sorted((ROOT / "solutions" / "pictures").iterdir())
IDS = [file.stem for file in PICTURES]
SVG = "{http://www.w3.org/2000/svg}"
NARROW = 384  # pixels that a picture is wide at least: min-width in statement.css


class Text(HTMLParser):
    """All that a page says, and every tag and attribute in it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def flat(self) -> str:
        return " ".join("".join(self.words).split())


TEXTS = {name: Text(page) for name, page in PAGES.items()}
PLAIN = " ".join(text.flat for text in TEXTS.values())


def drawn(name: str) -> ElementTree.Element:
    return ElementTree.parse(ROOT / "solutions" / "pictures" / f"{name}.svg").getroot()


def numbers(name: str) -> dict[str, torch.Tensor]:
    """The grids of numbers in a picture, by their names."""
    found = {}
    for group in drawn(name).iter(f"{SVG}g"):
        if label := group.get("data-tensor"):
            values = [float((text.text or "").replace("−", "-")) for text in group.iter(f"{SVG}text")]
            found[label] = torch.tensor(values).reshape([int(side) for side in group.get("data-shape", "").split()])
    return found


def words(name: str) -> str:
    return " ".join(drawn(name).itertext())


# The pages


def test_the_pages_in_the_checkout_are_those_of_the_sources():
    assert {file.name for file in statements.outdated(COURSE)} == set(), "run python -m grader.author.statements"


def test_the_map_shows_every_exercise_and_task_in_order_with_its_points():
    page = TEXTS["index.html"]
    links = [value for key, value in page.attributes if key == "href"]
    wanted = []
    for exercise in COURSE.exercises:
        wanted += [f"{exercise.name}.html", *(f"{exercise.name}.html#{task.name}" for task in exercise.tasks)]
        assert f"{exercise.title} {exercise.points:g} points Lecture: {exercise.lecture}" in page.flat

    assert links == wanted


@pytest.mark.parametrize("name", COURSE.names)
def test_a_page_has_title_lecture_and_each_task_with_points_signature_and_bans(name):
    exercise, page = COURSE.exercise(name), TEXTS[f"{name}.html"]

    assert f"{exercise.title} Lecture: {exercise.lecture}" in page.flat
    for task in exercise.tasks:
        head = "class" if task.kind in {"module", "autograd"} else "def"
        assert ("id", task.name) in page.attributes
        assert f"{task.name} {task.points:g} point" in page.flat
        assert f"{head} {task.name}(" in page.flat
        for ban in task.bans:
            assert ban.because[1:] in page.flat


def test_no_hint_is_on_any_page():
    hints = [hint for exercise in COURSE.exercises for task in exercise.tasks for hint in task.hints]

    assert [hint for hint in hints if " ".join(hint.replace("`", "").split()) in PLAIN] == []
    assert [hint for hint in hints if " ".join(hint.split()) in " ".join(PAGES.values())] == []


@pytest.mark.parametrize("name", COURSE.names)
def test_no_line_of_a_reference_is_on_any_page(name):
    """Short lines (`return out`) say nothing; what also stands in the stub is for everybody to read."""
    text = solution(name)
    stub = " ".join(source.stub(text).split())
    lines, inside = [], False
    for line in (line.strip() for line in text.split("\n")):
        inside = (inside or line == source.BEGIN) and line != source.END
        if inside and not line.startswith("#") and len(line) > 20 and line not in stub:
            lines.append(" ".join(line.split()))

    assert lines
    assert [line for line in lines if line in PLAIN] == []


@pytest.mark.parametrize("page", PAGES)
def test_a_page_needs_nothing_else_and_runs_nothing(page):
    text = TEXTS[page]
    policy = ("content", "default-src 'none'; style-src 'unsafe-inline'; img-src data:")
    links = [value or "" for key, value in text.attributes if key in {"href", "src", "xlink:href"}]

    assert policy in text.attributes
    assert not {"script", "link", "iframe", "img", "object", "use", "image", "foreignObject"} & set(text.tags)
    assert not [key for key, _ in text.attributes if key.startswith("on") or key == "style"]
    assert [link for link in links if not re.fullmatch(r"\w+\.html(#\w+)?|#\w+", link)] == []
    assert [link for link in links if link.partition("#")[0] not in {*PAGES, ""}] == []
    assert not re.search(r"url\(|@import", PAGES[page])


@pytest.mark.parametrize("page", PAGES)
def test_no_two_things_on_a_page_have_one_id(page):
    ids = [value for key, value in TEXTS[page].attributes if key == "id"]

    assert sorted(ids) == sorted(set(ids))


def test_a_page_is_escaped_wherever_its_words_come_from():
    bad = '<script>alert(1)</script> & "quotes" `<b>code</b>` *<i>it</i>*'
    first = COURSE.exercises[0]
    ban = dataclasses.replace(COURSE, exercises=COURSE.exercises[3:4]).exercises[0].tasks[0].bans[0]
    tasks = tuple(
        dataclasses.replace(task, docstring=f"{bad}\n\n- {bad}\n\n    {bad}\n\n>>> {bad}", bans=(ban,))
        for task in first.tasks
    )
    statement = f"Title\n\n{bad}\n\n1. {bad}\n2. {bad}\n\n    {bad}"
    hostile = dataclasses.replace(first, title=bad, lecture=bad, statement=statement, tasks=tasks)
    made = statements.pages(dataclasses.replace(COURSE, title=bad, exercises=(hostile,)))

    for page in made.values():
        assert "<script" not in page
        assert not {"script", "i", "b"} & set(Text(page.replace("<b>Not here", "Not here")).tags)
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


# What a page is made of


def test_a_statement_falls_into_paragraphs_lists_and_code():
    text = "One\nline.\n\n- first\n  goes on\n- second\n\n1. one\n2. two\n\n    a  b\n\n      c\n\nEnd.\n\n>>> f()\n1"

    assert [(block.kind, block.parts) for block in statements.blocks(text)] == [
        (Kind.TEXT, ("One line.",)),
        (Kind.BULLETS, ("first goes on", "second")),
        (Kind.NUMBERS, ("one", "two")),
        (Kind.CODE, ("a  b\n\n  c",)),
        (Kind.TEXT, ("End.",)),
        (Kind.CODE, (">>> f()\n1",)),
    ]


def test_what_an_argument_means_begins_a_line():
    text = "x: (N, C),\nany size.\nstride, padding: ints. All of\nthem: at least 1.\nValueError: a stride of 0."

    (block,) = statements.blocks(text)

    assert block.parts == (
        "x: (N, C), any size.",
        "stride, padding: ints. All of them: at least 1.",
        "ValueError: a stride of 0.",
    )


@pytest.mark.parametrize(
    ("text", "page"),
    [
        ("`a * b` and `c`", "<code>a * b</code> and <code>c</code>"),
        ("*not* **really**", "<em>not</em> <b>really</b>"),
        ("(N, C * H * W) and 2 * x", "(N, C * H * W) and 2 * x"),
        ("f(*args, **kwargs)", "f(*args, **kwargs)"),
        ("a < `b<c`", "a &lt; <code>b&lt;c</code>"),
    ],
)
def test_inline_marks_are_those_of_the_sources(text, page):
    assert str(statements.inline(text)) == page


def test_a_signature_is_that_of_the_source_and_no_more():
    stub = (
        "@mark\ndef f(\n    x: int,\n) -> int:\n    '''F'''\n    raise NotImplementedError\n\n\n"
        "class C(nn.Module):\n    '''C'''\n\n    def __init__(self):\n        super().__init__()\n\n"
        "    @staticmethod\n    def g(x): raise NotImplementedError\n"
    )
    heads = statements.signatures(stub)

    assert heads["f"] == "@mark\ndef f(\n    x: int,\n) -> int:"
    assert heads["C"].startswith("class C(nn.Module):\n\n    def __init__(self):\n\n    @staticmethod")
    assert "super" not in heads["C"]


def test_a_picture_stands_for_its_drawing_or_behind_the_first_paragraph(tmp_path):
    (tmp_path / "ex01-0.svg").write_text("<svg>0</svg>")
    (tmp_path / "ex01-2.svg").write_text("<svg>2</svg>")
    exercise = dataclasses.replace(
        COURSE.exercises[0], name="ex01", statement="T\n\nLecture: x.\n\nOne.\n\n    a\n\nTwo.\n\n    b"
    )
    shown = statements.statement(exercise, tmp_path)

    assert [block.parts[0] for block in shown] == ["One.", "<svg>0</svg>", "a", "Two.", "<svg>2</svg>"]


# The pictures


@pytest.mark.parametrize("name", COURSE.names)
def test_every_exercise_has_a_picture(name):
    assert [file for file in IDS if file.startswith(f"{name}-")]
    assert TEXTS[f"{name}.html"].tags.count("svg") == len([file for file in IDS if file.startswith(f"{name}-")])


@pytest.mark.parametrize("file", PICTURES, ids=IDS)
def test_every_picture_belongs_to_an_exercise(file):
    match = re.fullmatch(r"(\w+)-(\d+|end)\.svg", file.name)

    assert match, "exNN_name-K.svg"
    if match[2] == "end":
        assert match[1] in COURSE.names
        return
    indented = [
        b for b in statements.blocks(source.read(solution(match[1]), file.name).statement) if b.kind is Kind.CODE
    ]
    assert int(match[2]) <= len(indented), "the statement has no such drawing"


@pytest.mark.parametrize("name", IDS)
def test_a_picture_says_what_it_shows_and_is_drawn_in_the_colours_of_the_page(name):
    root = drawn(name)
    ids = [root.find(f"{SVG}title").get("id"), root.find(f"{SVG}desc").get("id")]
    colours = {value for node in root.iter() for key in ("fill", "stroke") if (value := node.get(key))}

    assert root.tag == f"{SVG}svg"
    assert root.get("role") == "img"
    assert root.get("viewBox")
    assert ids == root.get("aria-labelledby").split() == [f"{name}-title", f"{name}-desc"]
    assert root.find(f"{SVG}title").text
    assert {node.tag.removeprefix(SVG) for node in root.iter()} <= {
        "svg", "title", "desc", "g", "path", "rect", "circle", "text",
    }  # fmt: skip
    assert [c for c in colours if c not in {"none", "currentColor"} and not c.startswith("var(--")] == []
    assert root.get("fill") == "currentColor"


@pytest.mark.parametrize("name", IDS)
def test_the_text_of_a_picture_can_be_read_on_a_phone(name):
    root = drawn(name)
    width = float(root.get("viewBox").split()[2])
    sizes = [float(node.get("font-size")) for node in root.iter() if node.get("font-size")]

    assert min(sizes) * NARROW / width >= 11


def test_every_colour_of_a_picture_is_in_light_and_in_dark():
    css = (ROOT / "grader" / "author" / "statement.css").read_text("utf-8")
    light, dark = css.split("@media screen and (prefers-color-scheme: dark)")
    used = {name for file in PICTURES for name in re.findall(r"var\((--[\w-]+)", file.read_text("utf-8"))}

    assert used
    assert [name for name in used if f"{name}:" not in light or f"{name}:" not in dark.split("\n}")[0]] == []


# The numbers in them


def test_the_kernel_of_ex02_gives_the_result_that_is_shown():
    shown = numbers("ex02_filters-1")
    ours = reference("ex02_filters").cross_correlate2d(shown["image"], shown["kernel"])

    assert torch.equal(shown["result"], ours)
    formula = re.search(r"([\d·+ ()−]+)=\s+(\d+)", words("ex02_filters-1"))
    assert eval(formula[1].replace("·", "*").replace("−", "-")) == int(formula[2]) == ours[1, 1]


def test_the_outputs_of_ex03_are_as_many_as_the_formula_says():
    size, padding, kernel, stride, outputs = map(
        int, re.search(r"\((\d) \+ 2·(\d) − (\d)\) // (\d) \+ 1 = (\d)", words("ex03_output_size-0")).groups()
    )
    texts = words("ex03_output_size-0").split()

    ours = reference("ex03_output_size").conv_output_size(size, kernel, stride=stride, padding=padding)
    assert ours == outputs == len([text for text in texts if re.fullmatch(r"y\d", text)])
    assert len([text for text in texts if text == "0"]) == 2 * padding
    assert (outputs - 1) * stride + kernel < size + padding + 1, "the last element is never seen"


def test_the_sizes_of_ex04_are_those_of_the_layer():
    conv2d = reference("ex04_conv").conv2d
    kernel = torch.ones(1, 1, 3, 3)

    assert conv2d(torch.ones(1, 1, 4, 4), kernel, padding=1).shape[2:] == (4, 4)
    assert conv2d(torch.ones(1, 1, 5, 5), kernel, stride=2).shape[2:] == (2, 2)
    assert conv2d(torch.ones(1, 1, 5, 5), kernel, dilation=2).shape[2:] == (1, 1)
    for said in ("4×4 stays 4×4", "5×5 gives 2×2", "a 3×3 kernel sees 5×5"):
        assert said in words("ex04_conv-0")


def test_the_numbers_of_ex05_are_what_the_layers_give():
    ours, shown = reference("ex05_pool"), numbers("ex05_pool-1")
    after = shown["relu"][None, None]

    assert torch.equal(shown["relu"], ours.relu(shown["map"]))
    assert torch.equal(shown["max"], ours.max_pool2d(after, 2)[0, 0])
    assert torch.equal(shown["mean"], ours.avg_pool2d(after, 2)[0, 0])
    assert torch.equal(shown["flat"], ours.flatten(shown["max"], 0)[None])
    torch.testing.assert_close(shown["probabilities"], ours.softmax(shown["scores"]), rtol=0, atol=0.005)


def test_the_shapes_of_ex06_are_those_of_the_network():
    sides = {"conv1": 5, "pool": 2, "conv2": 5}
    net, x, shapes = reference("ex06_cnn").Net(), torch.zeros(1, 3, 32, 32), []
    shapes.append(x.shape[1:])
    for conv in ("conv1", "conv2"):
        x = F.relu(getattr(net, conv)(x))
        shapes.append(x.shape[1:])
        x = net.pool(x)
        shapes.append(x.shape[1:])
        assert getattr(net, conv).kernel_size == (sides[conv],) * 2
    vector = [x.numel(), net.fc1.out_features, net.fc2.out_features]
    wanted = [*("×".join(map(str, shape)) for shape in shapes), *map(str, [*vector, net.fc3.out_features])]

    assert [node.text for node in drawn("ex06_cnn-1").iter() if node.get("data-shape-of")] == wanted


def test_the_gradients_of_ex07_are_right():
    ours = reference("ex07_backprop")
    shown = {name: value[None, None] for name, value in numbers("ex07_backprop-0").items()}
    kernel = ours.rotate180(shown["weight_rotated"])

    assert torch.equal(shown["grad_out_padded"], F.pad(shown["grad_out"], (1, 1, 1, 1)))
    for gradient, x, weight in (("grad_weight", shown["x"], None), ("grad_input", None, kernel)):
        a = torch.zeros(1, 1, 3, 3) if x is None else x.clone()
        b = torch.zeros(1, 1, 2, 2) if weight is None else weight.clone()
        F.conv2d(a.requires_grad_(), b.requires_grad_()).backward(shown["grad_out"])
        assert torch.equal(shown[gradient], b.grad if x is not None else a.grad)


def test_the_cell_of_ex11_is_what_the_target_says():
    ours, root = reference("ex11_yolo"), drawn("ex11_yolo-1")
    boxes = {node.get("data-box"): node for node in root.iter() if node.get("data-box")}
    says = {node.get("data-says"): [float(n) for n in re.findall(r"[\d.]+", node.text)] for node in root.iter("*")
            if node.get("data-says")}  # fmt: skip
    side, corner = 210.0, 34.0  # of the grid, as it is drawn
    corners = torch.tensor([
        [(float(n.get("x")) - corner) / side, (float(n.get("y")) - corner) / side,
         (float(n.get("x")) + float(n.get("width")) - corner) / side,
         (float(n.get("y")) + float(n.get("height")) - corner) / side]
        for n in (boxes["true"], boxes["predicted"])
    ])  # fmt: skip
    target = ours.encode_targets(ours.box_xyxy_to_cxcywh(corners[:1]), torch.tensor([0]), 3, 1)

    torch.testing.assert_close(target[1, 2, :5], torch.tensor([*says["xy"], *says["wh"], 1.0]))
    torch.testing.assert_close(ours.box_iou(corners[:1], corners[1:]), torch.tensor([says["iou"]]))


def test_the_command_writes_what_is_missing_and_says_so_first(tmp_path, monkeypatch, capsys):
    for name in ("exercises", "solutions"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.setattr(statements, "load", lambda: course.load(tmp_path))
    stray = tmp_path / "docs" / "course" / "ex99_gone.html"
    stray.parent.mkdir(parents=True)
    stray.write_text("old")

    assert statements.main(["--check"]) == 1
    assert "run python -m grader.author.statements" in capsys.readouterr().err
    assert statements.main([]) == 0
    assert not stray.exists()
    assert statements.main(["--check"]) == 0
