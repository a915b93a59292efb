"""ex03 · The arithmetic of shapes

Lecture: dimensions evolution · compression · max and mean pooling.

Every layer of a convolutional network turns one grid of numbers into another. Before a single weight is learnt, you
have to know how large that grid is: the first fully connected layer needs its exact number of inputs, a feature map
that shrinks to nothing stops the training, and the receptive field tells how much of the picture one neuron can see.
Here you write the six little formulas that answer all of these questions.

Height and width never meet in these formulas, so the first five tasks look at one axis only: plain ints in, one plain
int out. A window of `kernel_size` elements slides over `size` elements in steps of `stride`; `padding` elements are
added at **both** ends first; with `dilation` d, neighbouring elements of the window lie d apart. The last task puts the
axes together again and follows a whole network, layer by layer.

An argument that makes no sense (a stride of 0, a negative padding, a window for which no output fits) raises a
`ValueError` whose message names the argument.
"""


def conv_output_size(size: int, kernel_size: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> int:
    """How many outputs a convolution has along one axis, as `nn.Conv2d`.

    `size`, `kernel_size`, `stride` and `dilation` are at least 1, `padding` at least 0. A step that does not fit
    completely is left out. ValueError: an argument is out of range, or not one window fits.

    Source: the formula under "Shape" on the page of `torch.nn.Conv2d`.

    >>> conv_output_size(5, 3)
    3
    >>> conv_output_size(32, 5, padding=2)
    32
    >>> conv_output_size(7, 3, stride=2, padding=1)
    4
    >>> conv_output_size(10, 3, dilation=3)
    4
    """
    raise NotImplementedError


def same_padding(kernel_size: int, dilation: int = 1) -> int:
    """The padding, equal at both ends, with which a convolution of stride 1 keeps the size of its input.

    Both arguments are at least 1. ValueError: an argument is out of range, or there is no such padding because the
    number of elements to add is odd and cannot be split into two equal parts.

    >>> same_padding(3)
    1
    >>> same_padding(5, dilation=2)
    4
    """
    raise NotImplementedError


def pool_output_size(
    size: int,
    kernel_size: int,
    stride: int | None = None,
    padding: int = 0,
    dilation: int = 1,
    ceil_mode: bool = False,
) -> int:
    """How many outputs a pooling layer has along one axis, as `nn.MaxPool2d`.

    Without a `stride` the windows touch: the stride is the kernel size. `padding` is at most `kernel_size // 2`. With
    `ceil_mode` a last window that hangs over the right end counts too, but only if it starts inside the input or its
    left padding: one that starts in the right padding, or beyond, would see no input at all. ValueError: an argument
    is out of range, or no output fits.

    Source: the page of `torch.nn.MaxPool2d`, "Shape" and the note on `ceil_mode`.

    >>> pool_output_size(6, 2)
    3
    >>> pool_output_size(7, 3, stride=2)
    3
    >>> pool_output_size(5, 2)
    2
    >>> pool_output_size(5, 2, ceil_mode=True)
    3
    >>> pool_output_size(5, 2, stride=3, padding=1, ceil_mode=True)
    2
    """
    raise NotImplementedError


def conv_transpose_output_size(
    size: int,
    kernel_size: int,
    stride: int = 1,
    padding: int = 0,
    output_padding: int = 0,
    dilation: int = 1,
) -> int:
    """How many outputs a transposed convolution has along one axis, as `nn.ConvTranspose2d`.

    The layer runs a convolution's arithmetic backwards: every input element stamps a kernel into the output, `stride`
    apart, and `padding` elements are cut off at both ends. With a stride above 1 several sizes shrink to the same one,
    and `output_padding` says which of them is meant: it is added at one end, and is smaller than `stride` or smaller
    than `dilation`. ValueError: an argument is out of range, or the output would have no element.

    Source: the formula under "Shape" on the page of `torch.nn.ConvTranspose2d`.

    >>> conv_transpose_output_size(4, 3)
    6
    >>> conv_transpose_output_size(4, 3, stride=2, padding=1)
    7
    >>> conv_transpose_output_size(4, 3, stride=2, padding=1, output_padding=1)
    8
    """
    raise NotImplementedError


def receptive_field(layers: list[tuple[int, int]]) -> int:
    """How many input elements along one axis can influence one output element of a stack of layers.

    layers: `(kernel_size, stride)` of every convolution or pooling layer, the layer next to the input first. All
    numbers are at least 1, else ValueError. Without layers an element sees itself: 1. The list is left as it was.

    Source: Araujo, Norris, Sim, "Computing Receptive Fields of Convolutional Neural Networks", Distill 2019, eq. 2.

    >>> receptive_field([(3, 1), (3, 1)])
    5
    >>> receptive_field([(3, 2), (3, 1)])
    7
    >>> receptive_field([])
    1
    """
    raise NotImplementedError


def trace_shapes(input_shape: tuple[int, int, int], layers: list[dict]) -> list[tuple[int, int, int]]:
    """The shape (channels, height, width) after every layer of a network, in order.

    input_shape: (channels, height, width) of one image. A layer is one of these dicts, where the values shown after
    "default" may be left out:

    - `{"type": "conv", "out_channels": …, "kernel_size": …}`, defaults `"stride": 1, "padding": 0, "dilation": 1`;
    - `{"type": "max_pool", "kernel_size": …}` and `{"type": "avg_pool", "kernel_size": …}`, defaults `"stride": None`
      (that is the kernel size) and `"padding": 0`;
    - `{"type": "flatten"}`: everything becomes channels, shape `(C*H*W, 1, 1)`.

    All numbers are ints that hold for height and width alike. The result has one `(C, H, W)` tuple for each layer; the
    input's own shape is not in it. ValueError: another type, a missing or an unknown key, an argument out of range, or
    a layer whose window does not fit. The dicts you get belong to the caller and stay as they are.

    >>> trace_shapes((1, 28, 28), [{"type": "conv", "out_channels": 6, "kernel_size": 5}])
    [(6, 24, 24)]
    >>> trace_shapes((3, 8, 6), [{"type": "max_pool", "kernel_size": 2}, {"type": "flatten"}])
    [(3, 4, 3), (36, 1, 1)]
    """
    raise NotImplementedError
