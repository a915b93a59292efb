"""grades relu: nothing yet"""


def relu(x):
    raise NotImplementedError
