"""Mistakes that nobody listed: three an exercise, made up after its checks were written. Each has to lose points.

A mistake is code that is read after the reference, with `right` as the untouched module; nothing here may become a
named misconception, or it would prove nothing any more.
"""

from __future__ import annotations

import pytest
import torch
from torch import nn

from grader import course
from grader.checker.run import local, run_checks
from grader.model import Verdict
from grader.references import fresh, reference

INVENTIONS = {
    "ex01_motivation": {
        "grey_pictures_taken_for_colour": """
def dense_weights_per_neuron(image_shape):
    c, h, w = image_shape
    return right.dense_weights_per_neuron((max(c, 3), h, w))
""",
        "hidden_layers_sorted": """
def mlp_parameter_count(image_shape, hidden, num_classes, bias=True):
    return right.mlp_parameter_count(image_shape, sorted(hidden), num_classes, bias)
""",
        "divided_by_groups_twice": """
def conv_parameter_count(in_channels, out_channels, kernel_size, groups=1, bias=True):
    weights = right.conv_parameter_count(in_channels, out_channels, kernel_size, groups, False)
    return weights // groups + (out_channels if bias else 0)
""",
    },
    "ex02_filters": {
        "axes_of_one_squeezed_away": """
def cross_correlate2d(image, kernel):
    return right.cross_correlate2d(image, kernel).squeeze()
""",
        "weights_rounded": """
def box_mean_kernel(size):
    return right.box_mean_kernel(size).mul(100).round().div(100)
""",
        "clamped_like_a_picture": """
def edge_magnitude(image):
    return right.edge_magnitude(image).clamp(0, 1)
""",
    },
    "ex03_output_size": {
        "at_least_one": """
def conv_output_size(size, kernel_size, stride=1, padding=0, dilation=1):
    try:
        return right.conv_output_size(size, kernel_size, stride, padding, dilation)
    except ValueError:
        if min(size, kernel_size, stride, dilation) < 1 or padding < 0:
            raise
        return 1
""",
        "layers_of_one_skipped": """
def receptive_field(layers):
    return right.receptive_field([layer for layer in layers if layer[0] != 1])
""",
        "nothing_after_flatten": """
def trace_shapes(input_shape, layers):
    found = []
    for number in range(1, len(layers) + 1):
        found.append(right.trace_shapes(input_shape, layers[:number])[-1])
        if layers[number - 1].get("type") == "flatten":
            return found + [found[-1]] * (len(layers) - number)
    return found
""",
    },
    "ex04_conv": {
        "leftover_cut_before_padding": """
def conv2d(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    step = stride if isinstance(stride, int) else stride[0]
    rows = x.shape[2] - x.shape[2] % step if step > 0 else x.shape[2]
    return right.conv2d(x[:, :, :max(rows, 1)], weight, bias, stride, padding, dilation, groups)
""",
        "larger_padding_on_both_axes": """
def pad2d(x, padding, mode="zeros"):
    return right.pad2d(x, padding if isinstance(padding, int) or mode == "zeros" else max(padding), mode)
""",
        "start_within_one_over_fan_in": """
class Conv2d(right.Conv2d):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        with torch.no_grad():
            self.weight /= self.weight[0].numel() ** 0.5
""",
    },
    "ex05_pool": {
        "windows_apart_by_dilation_too": """
def max_pool2d(x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False):
    both = lambda value: (value, value) if isinstance(value, int) else tuple(value)
    step = both(kernel_size if stride is None else stride)
    far = tuple(s * d for s, d in zip(step, both(dilation)))
    return right.max_pool2d(x, kernel_size, far, padding, dilation, ceil_mode)
""",
        "softmax_in_half_precision": """
def softmax(x, dim=-1):
    return right.softmax(x, dim).half().to(x.dtype)
""",
        "only_two_axes_joined": """
def flatten(x, start_dim=1):
    whole = right.flatten(x, start_dim)
    at = start_dim % x.dim()
    return whole if x.dim() - at < 3 else x.reshape(*x.shape[:at], -1, *x.shape[at + 2:])
""",
    },
    "ex06_cnn": {
        "gradients_clipped_before_the_step": """
def train_one_epoch(model, batches, optimizer):
    hook = optimizer.register_step_pre_hook(lambda *_: nn.utils.clip_grad_norm_(model.parameters(), 0.1) and None)
    try:
        return right.train_one_epoch(model, batches, optimizer)
    finally:
        hook.remove()
""",
        "modes_kept_by_kind_of_layer": """
def evaluate(model, batches):
    before = {type(module): module.training for module in model.modules()}
    try:
        return right.evaluate(model, batches)
    finally:
        for module in model.modules():
            module.training = before[type(module)]
""",
        "either_of_two_will_do": """
def predict(model, images):
    with _evaluating(model):
        scores = model(images)
        return scores.topk(min(2, scores.shape[1]), dim=1).indices.amin(dim=1)
""",
    },
    "ex07_backprop": {
        "divided_by_the_filters": """
def conv2d_grad_bias(grad_out):
    return right.conv2d_grad_bias(grad_out) / grad_out.shape[1]
""",
        "size_of_the_input_alone": """
def linear_backward(grad_out, x, weight):
    return right.linear_backward(grad_out, x.abs(), weight)
""",
        "gradients_clipped": """
def max_pool2d_backward(grad_out, x, kernel_size, stride=None):
    return right.max_pool2d_backward(grad_out, x, kernel_size, stride).clamp(-1, 1)
""",
    },
    "ex08_resnet": {
        "capped_at_six": """
class BasicBlock(right.BasicBlock):
    def forward(self, x):
        return super().forward(x).clamp(max=6)
""",
        "padding_of_the_stem_rounds_up": """
class ResNet(right.ResNet):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.maxpool.ceil_mode = True
""",
        "labels_smoothed": """
def gradient_norms(model, images, labels):
    plain = F.cross_entropy
    F.cross_entropy = lambda *args, **kwargs: plain(*args, label_smoothing=0.01, **kwargs)
    try:
        return right.gradient_norms(model, images, labels)
    finally:
        F.cross_entropy = plain
""",
    },
    "ex09_inception": {
        "pool_before_five_by_five": """
class Inception(right.Inception):
    def forward(self, x):
        return torch.cat([self.branch1(x), self.branch2(x), self.branch4(x), self.branch3(x)], 1)
""",
        "projection_without_its_bias": """
def inception_parameter_count(in_channels, ch1x1, ch3x3red, ch3x3, ch5x5red, ch5x5, pool_proj, bias=True):
    sizes = (in_channels, ch1x1, ch3x3red, ch3x3, ch5x5red, ch5x5, pool_proj)
    return right.inception_parameter_count(*sizes, bias) - (pool_proj if bias else 0)
""",
        "capped_at_six": """
class GoogLeNetStage3(right.GoogLeNetStage3):
    def forward(self, x):
        return super().forward(x).clamp(max=0.5)
""",
    },
    "ex10_fcn": {
        "pictures_with_an_ignored_pixel_skipped": """
def pixel_cross_entropy(logits, target, ignore_index=255):
    whole = (target != ignore_index).flatten(1).all(1)
    return right.pixel_cross_entropy(logits[whole], target[whole], ignore_index)
""",
        "padding_within_the_kernel": """
def conv_transpose2d(x, weight, bias=None, stride=1, padding=0, output_padding=0):
    most = min(weight.shape[2:]) - 1
    less = min(padding, most) if isinstance(padding, int) else tuple(min(p, most) for p in padding)
    return right.conv_transpose2d(x, weight, bias, stride, less, output_padding)
""",
        "probabilities_in_eval_mode": """
class FCN8sHead(right.FCN8sHead):
    def forward(self, *maps):
        scores = super().forward(*maps)
        return scores if self.training else scores.softmax(dim=1)
""",
    },
    "ex11_yolo": {
        "worthless_boxes_dropped": """
def nms(boxes, scores, iou_threshold):
    kept = right.nms(boxes, scores, iou_threshold)
    return kept[scores[kept] > 0.5]
""",
        "precision_never_falls": """
def average_precision(scores, matched, num_ground_truth):
    right.average_precision(scores, matched, num_ground_truth)
    hits = matched[scores.argsort(descending=True, stable=True)].double()
    if not hits.any():
        return 0.0
    precision = (hits.cumsum(0) / torch.arange(1, len(hits) + 1)).cummax(0).values
    return float((precision * hits).sum() / num_ground_truth)
""",
        "sizes_of_the_grid": """
def encode_targets(boxes, labels, grid_size, num_classes):
    found = right.encode_targets(boxes, labels, grid_size, num_classes)
    found[..., 2:4] *= found[..., :2].clamp(min=0.5)
    return found
""",
    },
    "ex12_capstone": {
        "class_zero_taken_for_padding": """
def train_classifier(images, labels, num_classes, seed):
    kept = labels > 0
    return right.train_classifier(images[kept], labels[kept], num_classes, seed)
""",
        "trained_on_the_first_batch": """
def train_segmenter(images, masks, num_classes, seed):
    return right.train_segmenter(images[:16], masks[:16], num_classes, seed)
""",
        "pictures_and_boxes_out_of_step": """
def train_detector(images, boxes, labels, num_classes, seed):
    return right.train_detector(images[:200], boxes[1:201], labels[1:201], num_classes, seed)
""",
    },
}
CASES = [(exercise, name) for exercise, mistakes in INVENTIONS.items() for name in mistakes]


@pytest.mark.parametrize(("exercise", "name"), CASES, ids=[name for _, name in CASES])
def test_a_mistake_that_nobody_listed_loses_points(exercise, name):
    module = fresh(exercise)
    before = dict(vars(module))
    module.__dict__.update(right=reference(exercise), torch=torch, nn=nn)
    exec(compile(INVENTIONS[exercise][name], name, "exec"), module.__dict__)
    kinds = course.load().exercise(exercise).kinds
    [task] = [known for known in kinds if vars(module)[known] is not before[known]]

    learner = local(module, kinds)
    results, _ = run_checks(exercise, kinds, lambda _: learner, tasks=[task], shrink=False)

    lost = [result.spec.name for result in results if result.spec.points and result.verdict is not Verdict.PASSED]
    assert lost


def test_every_exercise_has_three():
    assert {exercise: len(mistakes) for exercise, mistakes in INVENTIONS.items()} == dict.fromkeys(
        course.load().names, 3
    )
