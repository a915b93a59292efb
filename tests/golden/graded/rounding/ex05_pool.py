"""grades global_avg_pool2d: a mean without its fraction"""


def global_avg_pool2d(x):
    return x.mean((2, 3)).floor()
