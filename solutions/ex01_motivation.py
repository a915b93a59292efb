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


### BEGIN SOLUTION
def _at_least_one(**arguments: int) -> None:
    for name, value in arguments.items():
        if value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}")


### END SOLUTION
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
    ### HINT: The neuron has one weight for each number that the picture is made of. How many numbers are there in one
    ###   row of one channel, in one channel, in the whole picture?
    ### HINT: Unpack with `channels, height, width = image_shape` and multiply the three. Look for a size that is too
    ###   small first: each of the three by itself, since the product of two negative numbers looks harmless.
    ### BEGIN SOLUTION
    _at_least_one(image_shape=min(image_shape))
    channels, height, width = image_shape
    return channels * height * width
    ### END SOLUTION


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
    ### HINT: You already know the weights of one neuron. No two neurons share a weight: what do all of them need?
    ### HINT: A neuron computes `w · x + b`: as many weights as the picture has numbers, but one single b. Add one bias
    ###   for each neuron, and only where `bias` is True.
    ### BEGIN SOLUTION
    _at_least_one(neurons=neurons)
    weights = neurons * dense_weights_per_neuron(image_shape)
    return weights + neurons if bias else weights
    ### END SOLUTION


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
    ### HINT: Write the sizes in a row, as in the picture above: inputs, hidden layers, classes. Between which of them
    ###   are there weights, and how many between two neighbours?
    ### HINT: Only the first dense layer sees the picture. Every later one sees as many numbers as the layer before it
    ###   has neurons. Keep that number in a variable and replace it after each layer.
    ### HINT: `[*hidden, num_classes]` is a new list with all dense layers, the last one included; `hidden.append(...)`
    ###   would change the list of your caller. A layer adds `inputs * neurons` weights, and `neurons` biases.
    ### BEGIN SOLUTION
    inputs = dense_weights_per_neuron(image_shape)
    _at_least_one(hidden=min(hidden, default=1), num_classes=num_classes)
    total = 0
    for neurons in [*hidden, num_classes]:
        total += neurons * (inputs + 1 if bias else inputs)
        inputs = neurons
    return total
    ### END SOLUTION


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
    ### HINT: Start with one filter on a picture of one channel. A filter is as deep as what it sees, so what changes
    ###   with 3 channels? And with 5 filters? Only then think of the bias: one for each filter, not for each channel.
    ### HINT: `isinstance(kernel_size, int)` tells the two forms of kernel_size apart. A kernel of height kH and width
    ###   kW has `kH * kW` weights.
    ### HINT: With groups there are as many filters as before; each sees only `in_channels // groups` channels. Ask
    ###   `in_channels % groups` and `out_channels % groups` first: both have to be 0.
    ### BEGIN SOLUTION
    height, width = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    _at_least_one(in_channels=in_channels, out_channels=out_channels, kernel_size=min(height, width), groups=groups)
    if in_channels % groups or out_channels % groups:
        raise ValueError(f"groups {groups} must divide in_channels {in_channels} and out_channels {out_channels}")
    weights = out_channels * (in_channels // groups) * height * width
    return weights + out_channels if bias else weights
    ### END SOLUTION
