"""grades relu: no Python"""


def relu(x)
    return x.clamp(min=0)
