"""grades relu: right values in double precision"""


def relu(x):
    return x.double().clamp(min=0)
