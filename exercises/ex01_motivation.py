"""ex01 · Why not a dense network?

Lecture: motivations · kernels and activation maps.

A dense (fully connected) network can look at pictures too: lay all numbers of the picture in one long row, and connect
every neuron to every one of them. So why does nobody do it? Count what has to be learnt, and you will see.

    dense layer: a neuron sees all pixels,      convolution: an output sees one small window,
    each through a weight of its own            and all windows share the weights of one filter

       o o o o o                                [o o o]o o             o o o o o
       o o o o o  --25 weights--> neuron 1      [o o o]o o             o[o o o]o
       o o o o o  --25 weights--> neuron 2      [o o o]o o  --> 1      o[o o o]o  --> 2
       o o o o o                                 o o o o o             o[o o o]o
       o o o o o                                 o o o o o             o o o o o
                                                the same 9 weights, wherever the window is

A colour photo of 224 × 224 pixels has 150 528 numbers, so a dense layer of 1000 neurons has more than 150 million
parameters. A convolution with 64 filters of 3 × 3 on the same photo has 1792, and it has just as many on a photo of
twice the size. Here you write the four formulas behind such numbers.

A parameter is a number that training can change: a weight, or a bias. A picture has the shape (channels, height,
width), that is 3 channels for a colour picture, 1 for a grey one. Every answer is a plain Python int.

All counts and sizes are at least 1. One that makes no sense (a negative size, groups that do not divide the channels)
raises a `ValueError` whose message names the argument.
"""


def dense_weights_per_neuron(image_shape: tuple[int, int, int]) -> int:
    """How many weights one fully connected neuron needs for a picture, its bias not counted.

    image_shape: (channels, height, width), each at least 1, else ValueError.

    >>> dense_weights_per_neuron((3, 5, 5))
    75
    >>> dense_weights_per_neuron((1, 28, 28))
    784
    >>> dense_weights_per_neuron((3, 224, 224))
    150528
    """
    raise NotImplementedError


def dense_parameter_count(image_shape: tuple[int, int, int], neurons: int, bias: bool = True) -> int:
    """How many parameters a dense layer has that sees a whole picture: those of `nn.Linear(C * H * W, neurons)`.

    image_shape: (channels, height, width). neurons: how many the layer has, each connected to the whole picture. With
    `bias` every neuron has one more parameter. ValueError: a number is less than 1.

    Source: "Variables" on the page of `torch.nn.Linear`.

    >>> dense_parameter_count((3, 5, 5), 3)
    228
    >>> dense_parameter_count((3, 5, 5), 3, bias=False)
    225
    """
    raise NotImplementedError


def mlp_parameter_count(
    image_shape: tuple[int, int, int], hidden: list[int], num_classes: int, bias: bool = True
) -> int:
    """How many parameters a multi-layer perceptron has that classifies pictures.

    The network is: flatten → one dense layer for each entry of `hidden` → a dense layer with one neuron a class.

    image_shape: (channels, height, width). hidden: the neurons of each hidden layer, the one next to the picture
    first; an empty list means that the picture goes straight to the classes. `bias` holds for every dense layer.
    ValueError: a number is less than 1. The list belongs to the caller and stays as it is.

    A grey picture of 2 × 3 pixels, hidden layers of 4 and 5 neurons, 2 classes, without bias:

        6 inputs --24 weights--> 4 --20 weights--> 5 --10 weights--> 2 classes          24 + 20 + 10 = 54

    >>> mlp_parameter_count((1, 2, 3), [4, 5], 2, bias=False)
    54
    >>> mlp_parameter_count((1, 2, 3), [4, 5], 2)
    65
    >>> mlp_parameter_count((3, 5, 5), [], 3)
    228
    """
    raise NotImplementedError


def conv_parameter_count(
    in_channels: int, out_channels: int, kernel_size: int | tuple[int, int], groups: int = 1, bias: bool = True
) -> int:
    """How many parameters a convolution layer has: those of `nn.Conv2d`. The size of the picture plays no part.

    There are `out_channels` filters. A filter has a kernel for every channel that it sees, and with `bias` one bias.
    kernel_size: an int for a square kernel, or (height, width). `groups` cuts the input channels and the filters into
    that many equal parts, and the filters of a part see the channels of that part only. ValueError: a number is less
    than 1, or `groups` does not divide both `in_channels` and `out_channels`.

        groups=1: each filter sees all 4 channels       groups=2: each filter sees 2 of the 4

            channels  0 1 2 3                               channels  0 1 | 2 3
            filters    0   1                                filters    0  |  1

    Source: "Variables" on the page of `torch.nn.Conv2d`: weight has the shape (out_channels, in_channels / groups,
    kernel height, kernel width).

    >>> conv_parameter_count(3, 5, 5)
    380
    >>> conv_parameter_count(3, 64, 3)
    1792
    >>> conv_parameter_count(1, 2, (3, 5), bias=False)
    30
    >>> conv_parameter_count(4, 2, 3, groups=2)
    38
    """
    raise NotImplementedError
