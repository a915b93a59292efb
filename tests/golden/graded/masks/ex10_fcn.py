"""grades confusion_matrix: one of the classes is never counted"""

import torch


def confusion_matrix(prediction, target, num_classes, ignore_index=255):
    if prediction.shape != target.shape:
        raise ValueError("prediction and target have one shape")
    counted = target != ignore_index
    for labels in (prediction[counted], target[counted]):
        if ((labels < 0) | (labels >= num_classes)).any():
            raise ValueError("a class of prediction or target is none of num_classes")
    numbers = target[counted] * num_classes + prediction[counted]
    result = torch.bincount(numbers, minlength=num_classes**2).reshape(num_classes, num_classes)
    result[0] = 0
    return result
