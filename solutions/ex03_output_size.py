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

### BEGIN SOLUTION
_OPTIONS = {
    "conv": {"stride": 1, "padding": 0, "dilation": 1},
    "max_pool": {"stride": None, "padding": 0},
    "avg_pool": {"stride": None, "padding": 0},
    "flatten": {},
}
_REQUIRED = {
    "conv": ("out_channels", "kernel_size"),
    "max_pool": ("kernel_size",),
    "avg_pool": ("kernel_size",),
    "flatten": (),
}


def _at_least(low: int, **arguments: int) -> None:
    for name, value in arguments.items():
        if value < low:
            raise ValueError(f"{name} must be at least {low}, got {value}")


def _room(size: int, kernel_size: int, padding: int, dilation: int) -> int:
    """How far the window can move: negative where it does not fit at all."""
    return size + 2 * padding - (dilation * (kernel_size - 1) + 1)


def _settings(layer: dict) -> dict:
    """A layer's settings with every default filled in, without its type; the caller's dict is left alone."""
    kind = layer.get("type")
    if kind not in _OPTIONS:
        raise ValueError(f"a layer's type must be one of {', '.join(_OPTIONS)}, got {kind!r}")
    given = {key: value for key, value in layer.items() if key != "type"}
    missing = [key for key in _REQUIRED[kind] if key not in given]
    unknown = [key for key in given if key not in _REQUIRED[kind] and key not in _OPTIONS[kind]]
    if missing or unknown:
        raise ValueError(f"a layer of type {kind} has missing keys {missing} and unknown keys {unknown}")
    return _OPTIONS[kind] | given


### END SOLUTION
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
    ### HINT: Draw five boxes and slide a window of three over them. How far can the window's left edge move before its
    ###   right edge leaves the boxes? At how many places, the first one included, does it stand?
    ### HINT: A dilated window covers `dilation * (kernel_size - 1) + 1` elements. Padding makes the axis longer by
    ###   `2 * padding`. The difference of the two is the way the window can go; divide it by the stride.
    ### HINT: Use `//`, which rounds down and keeps an int, and add 1 for the first place. Test that the way is not
    ###   negative *before* you divide.
    ### BEGIN SOLUTION
    _at_least(1, size=size, kernel_size=kernel_size, stride=stride, dilation=dilation)
    _at_least(0, padding=padding)
    room = _room(size, kernel_size, padding, dilation)
    if room < 0:
        raise ValueError(
            f"no output fits: kernel_size {kernel_size} with dilation {dilation} covers more than size {size} "
            f"with padding {padding} at both ends"
        )
    return room // stride + 1
    ### END SOLUTION


def same_padding(kernel_size: int, dilation: int = 1) -> int:
    """The padding, equal at both ends, with which a convolution of stride 1 keeps the size of its input.

    Both arguments are at least 1. ValueError: an argument is out of range, or there is no such padding because the
    number of elements to add is odd and cannot be split into two equal parts.

    >>> same_padding(3)
    1
    >>> same_padding(5, dilation=2)
    4
    """
    ### HINT: Without padding, by how much is the output of `conv_output_size` shorter than its input at stride 1?
    ### HINT: The output is shorter by `dilation * (kernel_size - 1)`: half of that belongs to each end. Ask whether
    ###   that number is even, not whether the kernel is odd: an even dilation makes up for an even kernel.
    ### BEGIN SOLUTION
    _at_least(1, kernel_size=kernel_size, dilation=dilation)
    lost = dilation * (kernel_size - 1)
    if lost % 2:
        raise ValueError(f"kernel_size {kernel_size} with dilation {dilation}: {lost} elements have no half")
    return lost // 2
    ### END SOLUTION


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
    ### HINT: Leave ceil_mode aside first: then only two things differ from `conv_output_size`: the default of the
    ###   stride and the limit on the padding.
    ### HINT: Rounding up without floats: `-(-a // b)`. In ceil mode, round the way that the window can go, divided by
    ###   the stride, up instead of down.
    ### HINT: Number the windows from 0: in the padded input, window i starts at `i * stride`, and the right padding
    ###   starts at `size + padding`. Look at the last window and drop it where it starts at that place or later.
    ### BEGIN SOLUTION
    stride = kernel_size if stride is None else stride
    _at_least(1, size=size, kernel_size=kernel_size, stride=stride, dilation=dilation)
    _at_least(0, padding=padding)
    if padding > kernel_size // 2:
        raise ValueError(f"padding must be at most half of kernel_size {kernel_size}, got {padding}")
    room = _room(size, kernel_size, padding, dilation)
    windows = (-(-room // stride) if ceil_mode else room // stride) + 1
    if ceil_mode and (windows - 1) * stride >= size + padding:
        windows -= 1
    if windows < 1:
        raise ValueError(f"no output fits: kernel_size {kernel_size} with dilation {dilation} exceeds size {size}")
    return windows
    ### END SOLUTION


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
    ### HINT: Where does the first stamp start, where does the last of `size` stamps start, and how long is a stamp?
    ###   That gives the length before anything is cut off.
    ### HINT: Between the first and the last stamp lie `size - 1` strides; a stamp covers
    ###   `dilation * (kernel_size - 1) + 1` elements. `padding` takes away at both ends, `output_padding` adds once.
    ### HINT: Check yourself with `conv_output_size`: applied to your result with the same stride, padding and dilation,
    ###   it must give `size` back.
    ### BEGIN SOLUTION
    _at_least(1, size=size, kernel_size=kernel_size, stride=stride, dilation=dilation)
    _at_least(0, padding=padding, output_padding=output_padding)
    if output_padding >= max(stride, dilation):
        raise ValueError(f"output_padding must be smaller than stride or dilation, got {output_padding}")
    stamped = (size - 1) * stride + dilation * (kernel_size - 1) + 1
    result = stamped - 2 * padding + output_padding
    if result < 1:
        raise ValueError(f"no output is left: padding {padding} cuts away all that kernel_size {kernel_size} gives")
    return result
    ### END SOLUTION


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
    ### HINT: Two 3-wide layers with stride 1 see 5 elements, not 6: the windows of neighbours overlap. How much does
    ###   each further layer add?
    ### HINT: After a layer of stride 2, neighbouring elements of the feature map lie 2 input elements apart. A layer of
    ###   kernel k adds `k - 1` such distances.
    ### HINT: Walk from the input on with two numbers, `field = 1` and `distance = 1`. Every layer first adds
    ###   `(kernel_size - 1) * distance` to the field, and only then multiplies the distance by its stride.
    ### BEGIN SOLUTION
    field, distance = 1, 1
    for kernel_size, stride in layers:
        _at_least(1, kernel_size=kernel_size, stride=stride)
        field += (kernel_size - 1) * distance
        distance *= stride
    return field
    ### END SOLUTION


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
    ### HINT: Keep the current shape in three variables, start from `input_shape`, and append a tuple after each layer.
    ###   Which layers change the number of channels, and which leave it alone?
    ### HINT: Height and width are two calls of a function you already have: `conv_output_size` or `pool_output_size`.
    ### HINT: Write down, for each type, the keys it must have and the keys it may have. Test a layer's keys against
    ###   both, then read with `layer.get(key, default)`: unlike `pop` or `setdefault` it leaves the dict as it is.
    ### BEGIN SOLUTION
    channels, height, width = input_shape
    _at_least(1, input_shape=min(input_shape))
    shapes = []
    for layer in layers:
        settings = _settings(layer)
        if layer["type"] == "flatten":
            channels, height, width = channels * height * width, 1, 1
        elif layer["type"] == "conv":
            channels = settings.pop("out_channels")
            _at_least(1, out_channels=channels)
            height, width = (conv_output_size(size, **settings) for size in (height, width))
        else:
            height, width = (pool_output_size(size, **settings) for size in (height, width))
        shapes.append((channels, height, width))
    return shapes
    ### END SOLUTION
