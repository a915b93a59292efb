"""grades full_convolution2d: rows and columns of the result in each other's place"""


def full_convolution2d(image, kernel):
    (h, w), (kh, kw) = image.shape, kernel.shape
    result = image.new_zeros(h + kh - 1, w + kw - 1)
    for i in range(kh):
        for j in range(kw):
            result[i : i + h, j : j + w] += kernel[i, j] * image
    return result.mT
