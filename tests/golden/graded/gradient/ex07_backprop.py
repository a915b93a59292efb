"""grades conv2d_grad_input: every element gets the whole gradient, wherever it lies"""


def conv2d_grad_input(input_shape, weight, grad_out, stride=1, padding=0, dilation=1):
    return grad_out.new_zeros(input_shape) + grad_out.sum()
