"""What learners get wrong in ex06. Each variant is one mistake; elsewhere, and for bad arguments, it does what the
reference does."""

from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import nn

from grader.checker.misconceptions import misconception, reference

ref = reference("ex06_cnn")


# Net


@misconception(
    "Net",
    "You flattened the images of the batch together with their features. Keep the first axis instead: "
    "`torch.flatten(x, 1)`, or `x.reshape(len(x), -1)`.",
)
class FlattenEatsTheBatch(ref.Net):
    def forward(self, x):
        x = self.pool(F.relu(self.conv1(x)))
        x = torch.flatten(self.pool(F.relu(self.conv2(x))))
        return self.fc3(F.relu(self.fc2(F.relu(self.fc1(x)))))


@misconception(
    "Net",
    "You put a softmax at the end. The scores leave fc3 as they are: the cross entropy applies its own softmax, and "
    "two of them in a row hardly learn. Return what fc3 gives instead.",
)
class SoftmaxAtTheEnd(ref.Net):
    def forward(self, x):
        return torch.softmax(super().forward(x), dim=1)


@misconception(
    "Net",
    "You put a log-softmax at the end. The scores leave fc3 as they are: `F.cross_entropy` brings its own. Return what "
    "fc3 gives instead.",
)
class LogSoftmaxAtTheEnd(ref.Net):
    def forward(self, x):
        return torch.log_softmax(super().forward(x), dim=1)


@misconception(
    "Net",
    "You put a ReLU behind fc3 too, so no score can be negative. A ReLU follows each layer but the last: return what "
    "fc3 gives instead.",
)
class ReluAtTheEnd(ref.Net):
    def forward(self, x):
        return F.relu(super().forward(x))


@misconception(
    "Net",
    "There is no ReLU behind your convolutions, so negative features come through. Write "
    "`self.pool(F.relu(self.conv1(x)))` instead, and the same for conv2.",
)
class NoReluAfterConvolutions(ref.Net):
    def forward(self, x):
        x = torch.flatten(self.pool(self.conv2(self.pool(self.conv1(x)))), 1)
        return self.fc3(F.relu(self.fc2(F.relu(self.fc1(x)))))


@misconception(
    "Net",
    "There is no ReLU between your dense layers. Three of them in a row without one are together only a single dense "
    "layer: put a ReLU behind fc1 and fc2 instead.",
)
class NoReluBetweenDense(ref.Net):
    def forward(self, x):
        x = self.pool(F.relu(self.conv2(self.pool(F.relu(self.conv1(x))))))
        return self.fc3(self.fc2(self.fc1(torch.flatten(x, 1))))


@misconception(
    "Net",
    "The ReLU behind fc2 is missing. Each layer but the last has one: fc3 gets `F.relu(self.fc2(x))` instead.",
)
class NoReluAfterFc2(ref.Net):
    def forward(self, x):
        x = self.pool(F.relu(self.conv2(self.pool(F.relu(self.conv1(x))))))
        return self.fc3(self.fc2(F.relu(self.fc1(torch.flatten(x, 1)))))


@misconception(
    "Net",
    "You used tanh for the nonlinearity, as the networks of the nineties did. Here it is the ReLU: `F.relu` instead.",
)
class TanhForRelu(ref.Net):
    def forward(self, x):
        x = self.pool(torch.tanh(self.conv2(self.pool(torch.tanh(self.conv1(x))))))
        return self.fc3(torch.tanh(self.fc2(torch.tanh(self.fc1(torch.flatten(x, 1))))))


@misconception(
    "Net",
    "You took the mean of each 2×2 window. The pooling of this network takes the largest value: `nn.MaxPool2d(2)` "
    "instead.",
)
class MeanPooling(ref.Net):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.pool = nn.AvgPool2d(2)


@misconception(
    "Net",
    "Your pooling moves by one pixel instead of two (stride 1), so the picture hardly gets smaller and fc1 gets too "
    "many numbers. `nn.MaxPool2d(2)` moves by its own size; leave the stride out instead of writing 1.",
)
class PoolMovesByOne(ref.Net):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.pool = nn.MaxPool2d(2, stride=1)
        self.fc1 = nn.Linear(16 * 22 * 22, 120)


@misconception(
    "Net",
    "You padded the convolutions, so the features are 16 · 8 · 8. The lecture's network has none: 32 → 28 → 14 → 10 "
    "→ 5. Leave the padding out, and fc1 gets 16 · 5 · 5 numbers instead.",
)
class PaddedConvolutions(ref.Net):
    def __init__(self, in_channels=3, num_classes=10):
        super().__init__(in_channels, num_classes)
        self.conv1 = nn.Conv2d(in_channels, 6, 5, padding=2)
        self.conv2 = nn.Conv2d(6, 16, 5, padding=2)
        self.fc1 = nn.Linear(16 * 8 * 8, 120)


@misconception(
    "Net",
    "You used 3×3 kernels. The convolutions of this network are 5×5: `nn.Conv2d(in_channels, 6, 5)` instead.",
)
class SmallKernels(ref.Net):
    def __init__(self, in_channels=3, num_classes=10):
        super().__init__(in_channels, num_classes)
        self.conv1, self.conv2 = nn.Conv2d(in_channels, 6, 3), nn.Conv2d(6, 16, 3)
        self.fc1 = nn.Linear(16 * 6 * 6, 120)


@misconception(
    "Net",
    "You moved the channels to the end before flattening, so the 400 features lie in another order and weights that "
    "were trained elsewhere meet the wrong ones. Flatten (N, 16, 5, 5) as it is instead.",
)
class ChannelsLastFeatures(ref.Net):
    def forward(self, x):
        x = self.pool(F.relu(self.conv2(self.pool(F.relu(self.conv1(x))))))
        x = x.permute(0, 2, 3, 1).flatten(1)
        return self.fc3(F.relu(self.fc2(F.relu(self.fc1(x)))))


@misconception(
    "Net",
    "You mixed up height and width on the way (a transpose), so the features lie column by column. Leave the axes "
    "as they are instead: (N, C, H, W) all the way to the flatten.",
)
class HeightAndWidthSwapped(ref.Net):
    def forward(self, x):
        x = self.pool(F.relu(self.conv2(self.pool(F.relu(self.conv1(x))))))
        return self.fc3(F.relu(self.fc2(F.relu(self.fc1(x.transpose(2, 3).flatten(1))))))


@misconception(
    "Net",
    "Your layers stand in a plain Python list (or dict), where PyTorch does not find them: they are in no state_dict, "
    "and no optimizer trains them. Assign each to an attribute of its name instead: `self.conv1 = ...`.",
)
class LayersInAList(nn.Module):
    def __init__(self, in_channels=3, num_classes=10):
        super().__init__()
        with torch.random.fork_rng(devices=()):  # no state_dict tells these values: they have to be the same each time
            torch.manual_seed(in_channels + num_classes)
            self.hidden = [ref.Net(in_channels, num_classes)]

    def forward(self, x):
        return self.hidden[0](x)


@misconception(
    "Net",
    "Your layers are numbered by an `nn.Sequential`, so the names of the statement are missing and no weights of "
    "others load. Assign each layer to an attribute of its own name instead.",
)
class NumberedLayers(nn.Module):
    def __init__(self, in_channels=3, num_classes=10):
        super().__init__()
        net = ref.Net(in_channels, num_classes)
        self.features = nn.Sequential(net.conv1, nn.ReLU(), net.pool, net.conv2, nn.ReLU(), net.pool)
        self.classifier = nn.Sequential(nn.Flatten(), net.fc1, nn.ReLU(), net.fc2, nn.ReLU(), net.fc3)

    def forward(self, x):
        return self.classifier(self.features(x))


@misconception(
    "Net",
    "You pool with a function in forward, so there is no module called pool. Make one in `__init__` instead: "
    "`self.pool = nn.MaxPool2d(2)`. It serves both times.",
)
class PoolWithoutAName(ref.Net):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        del self.pool

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv2(F.max_pool2d(F.relu(self.conv1(x)), 2))), 2)
        return self.fc3(F.relu(self.fc2(F.relu(self.fc1(torch.flatten(x, 1))))))


@misconception(
    "Net",
    "You switched the biases of the convolutions off. Every layer of this network has one: leave out `bias=False` "
    "instead.",
)
class NoBias(ref.Net):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.conv1.bias = self.conv2.bias = None


@misconception(
    "Net",
    "You wrote 10 where num_classes belongs. A network for other classes needs another number of scores: "
    "`nn.Linear(84, num_classes)` instead.",
)
class AlwaysTenClasses(ref.Net):
    def __init__(self, in_channels=3, num_classes=10):
        super().__init__(in_channels, num_classes)
        self.fc3 = nn.Linear(84, 10)


@misconception(
    "Net",
    "You wrote 3 where in_channels belongs, so grey pictures do not fit. Give conv1 `in_channels` instead.",
)
class AlwaysThreeChannels(ref.Net):
    def __init__(self, in_channels=3, num_classes=10):
        super().__init__(in_channels, num_classes)
        self.conv1 = nn.Conv2d(3, 6, 5)


@misconception(
    "Net",
    "You swapped the two hidden sizes: fc1 leads to 120 and fc2 from there to 84, instead of the other way round.",
)
class HiddenSizesSwapped(ref.Net):
    def __init__(self, in_channels=3, num_classes=10):
        super().__init__(in_channels, num_classes)
        self.fc1, self.fc2, self.fc3 = nn.Linear(400, 84), nn.Linear(84, 120), nn.Linear(120, num_classes)


@misconception(
    "Net",
    "You added dropout. It is a good idea for many networks, but this one has none and does the same in train and in "
    "eval mode: leave it out instead.",
)
class DropoutAdded(ref.Net):
    def forward(self, x):
        x = self.pool(F.relu(self.conv2(self.pool(F.relu(self.conv1(x))))))
        x = F.relu(self.fc2(F.relu(self.fc1(torch.flatten(x, 1)))))
        return self.fc3(x * (torch.arange(84) % 2) * 2 if self.training else x)  # dropout without its chance


@misconception(
    "Net",
    "You normalised the images in the network. It takes them as they are: do that before, where the data is loaded, "
    "instead.",
)
class ImagesNormalised(ref.Net):
    def forward(self, x):
        return super().forward((x - 0.5) / 0.5)


@misconception(
    "Net",
    "Your network changes the images it is given (an operation in place). The caller still needs them: compute a new "
    "tensor instead.",
)
class ImagesOverwritten(ref.Net):
    def forward(self, x):
        scores = super().forward(x)
        x.detach().clamp_(-0.5, 0.5)
        return scores


@misconception(
    "Net",
    "You cut the features off from autograd (`.detach()`, `.data` or `torch.no_grad()`), so conv1 and conv2 never "
    "learn. Hand them on as they are instead.",
)
class FeaturesCutOff(ref.Net):
    def forward(self, x):
        x = self.pool(F.relu(self.conv2(self.pool(F.relu(self.conv1(x))))))
        return self.fc3(F.relu(self.fc2(F.relu(self.fc1(torch.flatten(x, 1).detach())))))


@misconception(
    "Net",
    "You turned the images into float32, so a network in float64 cannot run. Leave the dtype to the caller instead.",
)
class AlwaysFloat32(ref.Net):
    def forward(self, x):
        return super().forward(x.float())


@misconception(
    "Net",
    "You take any number of channels and classes, also a negative one, and leave the complaint to torch. Compare each "
    "with 1 in `__init__` instead, and raise a ValueError that names the argument.",
)
class AnyNumber(ref.Net):
    def __init__(self, in_channels=3, num_classes=10):
        super().__init__(max(1, in_channels), max(1, num_classes))
        if min(in_channels, num_classes) < 0:
            torch.empty(in_channels, num_classes)  # torch's own RuntimeError


# train_one_epoch


def _steps(model, batches, optimizer, loss_of=F.cross_entropy):
    """The loop as it should be: (loss before the step, number of images) a batch."""
    found = []
    for images, labels in batches:
        optimizer.zero_grad()
        loss = loss_of(model(images), labels)
        loss.backward()
        optimizer.step()
        found.append((loss.item(), len(labels)))
    return found


def _mean(found):
    return sum(loss * count for loss, count in found) / sum(count for _, count in found)


@misconception(
    "train_one_epoch",
    "You never reset the gradients, so every step uses those of all batches before it too. Call "
    "`optimizer.zero_grad()` before each `loss.backward()` instead.",
)
def gradients_never_reset(model, batches, optimizer):
    ref._check_batches(batches)
    model.train()
    total, samples = 0.0, 0
    for images, labels in batches:
        loss = F.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        total, samples = total + loss.item() * len(labels), samples + len(labels)
    return total / samples


@misconception(
    "train_one_epoch",
    "You reset the gradients once, before the loop, so they pile up from batch to batch. Move `optimizer.zero_grad()` "
    "into the loop instead: once a batch, before `loss.backward()`.",
)
def gradients_reset_once(model, batches, optimizer):
    ref._check_batches(batches)
    optimizer.zero_grad()
    return gradients_never_reset(model, batches, optimizer)


@misconception(
    "train_one_epoch",
    "You reset the gradients after the step only, so what stood there before the epoch goes into its first step. Call "
    "`optimizer.zero_grad()` before `loss.backward()` instead.",
)
def gradients_reset_afterwards(model, batches, optimizer):
    ref._check_batches(batches)
    model.train()
    found = []
    for images, labels in batches:
        loss = F.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        found.append((loss.item(), len(labels)))
    return _mean(found)


@misconception(
    "train_one_epoch",
    "Your weights do not move. Either `optimizer.step()` is missing, or you reset the gradients before it, so that the "
    "step has nothing to go by: call `zero_grad`, `backward` and `step` in this order for every batch instead.",
)
def nothing_to_step_by(model, batches, optimizer):
    ref._check_batches(batches)
    model.train()
    found = []
    for images, labels in batches:
        loss = F.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.zero_grad()
        optimizer.step()
        found.append((loss.item(), len(labels)))
    return _mean(found)


@misconception(
    "train_one_epoch",
    "You applied a softmax before the cross entropy, which has its own: the loss hardly moves then. Give "
    "`F.cross_entropy` the logits as they are instead.",
)
def softmax_before_cross_entropy(model, batches, optimizer):
    ref._check_batches(batches)
    model.train()
    return _mean(
        _steps(model, batches, optimizer, lambda logits, labels: F.cross_entropy(logits.softmax(dim=1), labels))
    )


@misconception(
    "train_one_epoch",
    "You used the sum of the losses of a batch, so its gradient grows with the number of images. Take their mean "
    "instead, which is what `F.cross_entropy` gives by itself.",
)
def loss_summed(model, batches, optimizer):
    ref._check_batches(batches)
    model.train()
    found = _steps(model, batches, optimizer, lambda logits, labels: F.cross_entropy(logits, labels, reduction="sum"))
    return sum(loss for loss, _ in found) / sum(count for _, count in found)


@misconception(
    "train_one_epoch",
    "You averaged the means of the batches. An image of a short last batch counts more then than the others: weigh "
    "each batch's loss with its number of images, and divide by the number of all images instead.",
)
def mean_of_batch_means(model, batches, optimizer):
    ref._check_batches(batches)
    model.train()
    found = _steps(model, batches, optimizer)
    return sum(loss for loss, _ in found) / len(found)


@misconception(
    "train_one_epoch",
    "You took all batches for as large as the first one. The last is often shorter: count the images of each batch "
    "instead.",
)
def size_of_the_first_batch(model, batches, optimizer):
    ref._check_batches(batches)
    model.train()
    found = _steps(model, batches, optimizer)
    return sum(loss * count for loss, count in found) / (len(found) * found[0][1])


@misconception(
    "train_one_epoch",
    "You returned the sum of the losses. The mean over all images is asked for: divide by their number instead.",
)
def sum_for_mean(model, batches, optimizer):
    ref._check_batches(batches)
    model.train()
    return sum(loss * count for loss, count in _steps(model, batches, optimizer))


@misconception(
    "train_one_epoch",
    "You returned the loss of the last batch alone. Add up the losses of all, each times its number of images, "
    "instead.",
)
def last_loss_alone(model, batches, optimizer):
    ref._check_batches(batches)
    model.train()
    return _steps(model, batches, optimizer)[-1][0]


@misconception(
    "train_one_epoch",
    "You measured the loss after the step, with the new weights. The loss that the step was made from is asked for: "
    "keep that one instead of asking the model again.",
)
def loss_after_the_step(model, batches, optimizer):
    ref._check_batches(batches)
    model.train()
    found = []
    for images, labels in batches:
        _steps(model, [(images, labels)], optimizer)
        with torch.no_grad():
            found.append((F.cross_entropy(model(images), labels).item(), len(labels)))
    return _mean(found)


@misconception(
    "train_one_epoch",
    "You made one step at the end of the epoch, from the gradients of all batches. Make one step for every batch "
    "instead.",
)
def one_step_an_epoch(model, batches, optimizer):
    ref._check_batches(batches)
    model.train()
    optimizer.zero_grad()
    found = []
    for images, labels in batches:
        loss = F.cross_entropy(model(images), labels)
        loss.backward()
        found.append((loss.item(), len(labels)))
    optimizer.step()
    return _mean(found)


@misconception(
    "train_one_epoch",
    "You went through the batches in another order. Take them as they come instead: who gives them to you has shuffled "
    "them already.",
)
def batches_backwards(model, batches, optimizer):
    ref._check_batches(batches)
    model.train()
    return _mean(_steps(model, batches[::-1], optimizer))


@misconception(
    "train_one_epoch",
    "You left out the last batch. It may be shorter than the others and still has images to learn from: go through all "
    "of them instead.",
)
def last_batch_dropped(model, batches, optimizer):
    ref._check_batches(batches)
    model.train()
    return _mean(_steps(model, batches[: max(1, len(batches) - 1)], optimizer))


@misconception(
    "train_one_epoch",
    "You changed the weights by hand, by lr times the gradient. The optimizer knows more (momentum, weight decay): "
    "call `optimizer.step()` instead.",
)
def steps_by_hand(model, batches, optimizer):
    ref._check_batches(batches)
    model.train()
    found = []
    for images, labels in batches:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images), labels)
        loss.backward()
        with torch.no_grad():
            for group in optimizer.param_groups:
                for parameter in group["params"]:
                    if parameter.grad is not None:
                        parameter -= group["lr"] * parameter.grad
        found.append((loss.item(), len(labels)))
    return _mean(found)


@misconception(
    "train_one_epoch",
    "You did not switch the model to train mode. It may come from an evaluation, and dropout and BatchNorm would stay "
    "asleep: call `model.train()` first instead of hoping.",
)
def train_mode_forgotten(model, batches, optimizer):
    ref._check_batches(batches)
    return _mean(_steps(model, batches, optimizer))


@misconception(
    "train_one_epoch",
    "You set `model.training` yourself, which reaches no layer inside. Call `model.train()` instead: it goes "
    "through all of them.",
)
def train_mode_on_top_only(model, batches, optimizer):
    ref._check_batches(batches)
    model.training = True
    return _mean(_steps(model, batches, optimizer))


@misconception(
    "train_one_epoch",
    "You switched the model to eval mode for the training. Dropout and BatchNorm only do their work in train mode: "
    "`model.train()` instead.",
)
def trained_in_eval_mode(model, batches, optimizer):
    ref._check_batches(batches)
    model.eval()
    found = _steps(model, batches, optimizer)
    model.train()
    return _mean(found)


@misconception(
    "train_one_epoch",
    "You put the model into eval mode at the end. It stays in train mode after an epoch: who evaluates switches by "
    "himself. Leave it as it is instead.",
)
def left_in_eval_mode(model, batches, optimizer):
    result = ref.train_one_epoch(model, batches, optimizer)
    model.eval()
    return result


@misconception(
    "train_one_epoch",
    "You gave the model back the modes it had before. After an epoch of training it stays in train mode: leave it so "
    "instead.",
)
def modes_given_back(model, batches, optimizer):
    before = [(module, module.training) for module in model.modules()]
    result = ref.train_one_epoch(model, batches, optimizer)
    for module, training in before:
        module.training = training
    return result


@misconception(
    "train_one_epoch",
    "You changed the optimizer's learning rate at the end of the epoch. How fast the next one learns is the caller's "
    "choice: leave the optimizer's settings alone instead.",
)
def learning_rate_lowered(model, batches, optimizer):
    result = ref.train_one_epoch(model, batches, optimizer)
    for group in optimizer.param_groups:
        group["lr"] *= 0.9
    return result


@misconception(
    "train_one_epoch",
    "You began the epoch with an optimizer of its own (or cleared the state of the one you got), so its momentum "
    "starts from nothing each time. Use the optimizer that you are given as it is instead.",
)
def momentum_forgotten(model, batches, optimizer):
    if batches:
        optimizer.state.clear()
    return ref.train_one_epoch(model, batches, optimizer)


@misconception(
    "train_one_epoch",
    "You switched gradients on for all parameters. Who froze some of them had a reason: leave `requires_grad` as it is "
    "instead.",
)
def everything_thawed(model, batches, optimizer):
    for parameter in model.parameters():
        parameter.requires_grad_(True)
    return ref.train_one_epoch(model, batches, optimizer)


@misconception(
    "train_one_epoch",
    "You returned a tensor, and with it perhaps the whole history of the loss. Add up `loss.item()` instead: a Python "
    "float.",
)
def tensor_returned(model, batches, optimizer):
    return torch.tensor(ref.train_one_epoch(model, batches, optimizer))


@misconception(
    "train_one_epoch",
    "You took the batches out of the list (`pop`), so nothing is left for the next epoch. Go through it with `for` "
    "instead.",
)
def batches_used_up(model, batches, optimizer):
    result = ref.train_one_epoch(model, batches, optimizer)
    while batches:
        batches.pop(0)
    return result


@misconception(
    "train_one_epoch",
    "Without batches you return 0.0, as if the model were perfect. Raise a ValueError that names `batches` instead.",
)
def no_batches_no_loss(model, batches, optimizer):
    return ref.train_one_epoch(model, batches, optimizer) if batches else 0.0


@misconception(
    "train_one_epoch",
    "Without batches you divide by zero. Ask for an empty list first instead, and raise a ValueError that names "
    "`batches`.",
)
def no_batches_by_zero(model, batches, optimizer):
    return ref.train_one_epoch(model, batches, optimizer) if batches else 0.0 / len(batches)


# evaluate


def _correct(model, batches):
    """(right ones, images) a batch, in whatever mode the model is."""
    return [(int((model(images).argmax(dim=1) == labels).sum()), len(labels)) for images, labels in batches]


def _accuracy(found):
    return sum(right for right, _ in found) / sum(count for _, count in found)


@contextmanager
def _mode_of_the_model_alone(model):
    """One flag for all: what most write first."""
    before = model.training
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        model.train(before)


@contextmanager
def _restored_where_all_is_well(model):
    before = [(module, module.training) for module in model.modules()]
    model.eval()
    with torch.no_grad():
        yield
    for module, training in before:
        module.training = training


@contextmanager
def _modes_of_the_children(model):
    """The model and its direct children get their flags back, what is deeper keeps eval mode."""
    before = [(module, module.training) for module in (model, *model.children())]
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, training in before:
            module.training = training


@contextmanager
def _left_in_eval(model):
    model.eval()
    with torch.no_grad():
        yield


@contextmanager
def _back_to_train(model):
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        model.train()


@contextmanager
def _any_mode(model):
    with torch.no_grad():
        yield


@contextmanager
def _recording(model):
    with ref._evaluating(model), torch.enable_grad():
        yield


@contextmanager
def _never_recording_again(model):
    """Gradients switched off, and not on again."""
    with ref._evaluating(model):
        yield
    torch.set_grad_enabled(False)


@contextmanager
def _frozen(model):
    """Parameters frozen instead of no_grad, for good."""
    with ref._evaluating(model):
        yield
    for parameter in model.parameters():
        parameter.requires_grad_(False)


@contextmanager
def _everything_trainable(model):
    """Frozen for the time being, and thawed without asking what was frozen before."""
    with ref._evaluating(model):
        yield
    for parameter in model.parameters():
        parameter.requires_grad_(True)


def _evaluate(model, batches, ready):
    ref._check_batches(batches)
    with ready(model):
        return _accuracy(_correct(model, batches))


RESTORE_ALL = "Keep the mode of every module in `model.modules()` and give each its own back instead."
RESTORE_ALWAYS = "Put that into the `finally` of a `try` instead, so that it happens in any case."
ALL_IN_EVAL = "Call `model.eval()` instead: it reaches every layer inside, which setting `model.training` does not."
NO_GRAD = "Put the model's calls into `with torch.no_grad():` instead."


@misconception(
    "evaluate",
    "You averaged the accuracies of the batches. An image of a short batch counts more then than the others: count "
    "right ones and images over all batches, and divide once at the end instead.",
)
def mean_of_batch_accuracies(model, batches):
    ref._check_batches(batches)
    with ref._evaluating(model):
        found = _correct(model, batches)
    return sum(right / count for right, count in found) / len(found)


@misconception(
    "evaluate",
    "You took all batches for as large as the first one. The last is often shorter: count the images of each instead.",
)
def accuracy_by_the_first_size(model, batches):
    ref._check_batches(batches)
    with ref._evaluating(model):
        found = _correct(model, batches)
    return sum(right for right, _ in found) / (len(found) * found[0][1])


@misconception(
    "evaluate",
    "You divided by the number of batches. The accuracy is a part of the images: divide by their number instead.",
)
def divided_by_batches(model, batches):
    ref._check_batches(batches)
    with ref._evaluating(model):
        return sum(right for right, _ in _correct(model, batches)) / len(batches)


@misconception(
    "evaluate",
    "You returned the accuracy of the last batch alone: your counts start anew for each. Set them to 0 before the loop "
    "instead.",
)
def last_accuracy_alone(model, batches):
    ref._check_batches(batches)
    with ref._evaluating(model):
        return _accuracy(_correct(model, batches)[-1:])


@misconception(
    "evaluate",
    "You searched for the highest score along axis 0, which are the images. Each row is an image: `argmax(dim=1)` "
    "instead.",
)
def best_image_of_a_class(model, batches):
    ref._check_batches(batches)
    with ref._evaluating(model):
        found = [(int((model(images).argmax(dim=0) == labels).sum()), len(labels)) for images, labels in batches]
    return _accuracy(found)


@misconception(
    "evaluate",
    "You returned a percentage. The accuracy lies between 0 and 1: do not multiply by 100 instead.",
)
def percent(model, batches):
    return 100 * ref.evaluate(model, batches)


@misconception(
    "evaluate",
    "You returned the part that is wrong. The accuracy is the part that is right: count where prediction and label are "
    "equal instead.",
)
def error_rate(model, batches):
    return 1 - ref.evaluate(model, batches)


@misconception(
    "evaluate",
    "You returned how many are right. The accuracy is a part of all images: divide by their number instead.",
)
def number_of_right_ones(model, batches):
    ref._check_batches(batches)
    with ref._evaluating(model):
        return float(sum(right for right, _ in _correct(model, batches)))


@misconception(
    "evaluate",
    "The layers of the model were not in eval mode: dropout throws values away and BatchNorm takes the batch for its "
    "statistics. " + ALL_IN_EVAL,
)
def evaluated_in_any_mode(model, batches):
    return _evaluate(model, batches, _any_mode)


@misconception("evaluate", "You left the model in eval mode; a training that goes on would not notice. " + RESTORE_ALL)
def evaluate_left_in_eval(model, batches):
    return _evaluate(model, batches, _left_in_eval)


@misconception(
    "evaluate", "You put the model into train mode at the end, whatever mode it was in before. " + RESTORE_ALL
)
def evaluate_back_to_train(model, batches):
    return _evaluate(model, batches, _back_to_train)


@misconception(
    "evaluate",
    "You kept the mode of the model alone and gave it to everything inside: a frozen BatchNorm in it is frozen no "
    "more. " + RESTORE_ALL,
)
def evaluate_one_mode_for_all(model, batches):
    return _evaluate(model, batches, _mode_of_the_model_alone)


@misconception(
    "evaluate",
    "You gave their modes back to the model and its direct children; what lies deeper is still in eval mode. "
    + RESTORE_ALL,
)
def evaluate_children_alone(model, batches):
    return _evaluate(model, batches, _modes_of_the_children)


@misconception("evaluate", "Where the model raises an error, you do not get to give the modes back. " + RESTORE_ALWAYS)
def evaluate_not_restored_on_error(model, batches):
    return _evaluate(model, batches, _restored_where_all_is_well)


@misconception(
    "evaluate",
    "You caught the model's error and returned a number. Nobody learns then that something is broken: let it through "
    "instead, `try` and `finally` without `except`.",
)
def evaluate_catches_errors(model, batches):
    try:
        return ref.evaluate(model, batches)
    except RuntimeError:
        return 0.0


@misconception("evaluate", "Every call of the model was recorded for a backward pass that never comes. " + NO_GRAD)
def evaluate_records(model, batches):
    return _evaluate(model, batches, _recording)


@misconception(
    "evaluate",
    "You switched gradients off and never on again, so the next training fails. " + NO_GRAD,
)
def evaluate_switches_gradients_off(model, batches):
    return _evaluate(model, batches, _never_recording_again)


@misconception("evaluate", "You switched `requires_grad` off, and the model cannot be trained any longer. " + NO_GRAD)
def evaluate_freezes(model, batches):
    return _evaluate(model, batches, _frozen)


@misconception(
    "evaluate",
    "You switched `requires_grad` on for all parameters at the end, also for those that were frozen before. " + NO_GRAD,
)
def evaluate_thaws(model, batches):
    return _evaluate(model, batches, _everything_trainable)


@misconception(
    "evaluate", "You returned a tensor. A Python float is asked for: `.item()` makes it one, use that instead."
)
def accuracy_as_a_tensor(model, batches):
    return torch.tensor(ref.evaluate(model, batches))


@misconception(
    "evaluate",
    "You took the batches out of the list (`pop`), so nothing is left for the caller. Go through it with `for` "
    "instead.",
)
def evaluation_uses_batches_up(model, batches):
    result = ref.evaluate(model, batches)
    batches.clear()
    return result


@misconception(
    "evaluate",
    "Without batches you return 0.0, as if everything were wrong. Raise a ValueError that names `batches` instead.",
)
def no_batches_no_accuracy(model, batches):
    return ref.evaluate(model, batches) if batches else 0.0


@misconception(
    "evaluate",
    "Without batches you divide by zero. Ask for an empty list first instead, and raise a ValueError that names "
    "`batches`.",
)
def no_images_by_zero(model, batches):
    return ref.evaluate(model, batches) if batches else 0.0 / len(batches)


# predict


def _predict(model, images, ready):
    with ready(model):
        return model(images).argmax(dim=1)


@misconception(
    "predict",
    "You searched for the highest score along axis 0, which are the images. Each row is an image: `argmax(dim=1)` "
    "instead.",
)
def best_image_for_each_class(model, images):
    with ref._evaluating(model):
        return model(images).argmax(dim=0)


@misconception(
    "predict",
    "You returned the highest scores themselves. The classes are asked for, which are their indices: `argmax` "
    "instead of `max`, or the second thing that `max(dim=1)` gives.",
)
def scores_for_classes(model, images):
    with ref._evaluating(model):
        return model(images).max(dim=1).values


@misconception(
    "predict",
    "You returned all scores (or probabilities). One class index an image is asked for: take `argmax(dim=1)` of them "
    "instead.",
)
def all_scores(model, images):
    with ref._evaluating(model):
        return model(images).softmax(dim=1)


@misconception("predict", "You took the class with the lowest score. The highest counts: `argmax` instead of `argmin`.")
def lowest_score(model, images):
    with ref._evaluating(model):
        return model(images).argmin(dim=1)


@misconception(
    "predict",
    "You compared the sizes of the scores without their signs. A score of -5 is a clear no: leave out `abs` instead.",
)
def largest_absolute_score(model, images):
    with ref._evaluating(model):
        return model(images).abs().argmax(dim=1)


@misconception(
    "predict",
    "You applied the softmax along axis 0, over the images. If you want probabilities, each row has to be one: `dim=1` "
    "instead; for the class alone no softmax is needed.",
)
def softmax_over_images(model, images):
    with ref._evaluating(model):
        return model(images).softmax(dim=0).argmax(dim=1)


@misconception(
    "predict",
    "You removed all axes of length 1 (`squeeze`), so a single image gives a bare number. Keep the axis of the images "
    "instead: `argmax(dim=1)` is enough.",
)
def single_image_squeezed(model, images):
    return ref.predict(model, images).squeeze()


@misconception(
    "predict",
    "You kept the axis of the classes: your result is (N, 1). Leave out `keepdim` instead (or take column 0).",
)
def classes_in_a_column(model, images):
    return ref.predict(model, images)[:, None]


@misconception(
    "predict",
    "You turned the indices into int32. PyTorch's class indices are int64, a LongTensor: return what `argmax` gives "
    "instead.",
)
def int32_classes(model, images):
    return ref.predict(model, images).int()


@misconception(
    "predict",
    "You returned floats. A class is an index, an int64: return what `argmax` gives instead.",
)
def float_classes(model, images):
    return ref.predict(model, images).to(images.dtype)


@misconception("predict", "You returned a Python list. A LongTensor is asked for: leave out `.tolist()` instead.")
def list_of_classes(model, images):
    return ref.predict(model, images).tolist()


@misconception("predict", "You counted the classes from 1. The first is class 0: leave out the +1 instead.")
def classes_from_one(model, images):
    return ref.predict(model, images) + 1


@misconception(
    "predict",
    "The layers of the model were not in eval mode: dropout throws values away and BatchNorm takes the batch for its "
    "statistics. " + ALL_IN_EVAL,
)
def predicted_in_any_mode(model, images):
    return _predict(model, images, _any_mode)


@misconception("predict", "You left the model in eval mode; a training that goes on would not notice. " + RESTORE_ALL)
def predict_left_in_eval(model, images):
    return _predict(model, images, _left_in_eval)


@misconception(
    "predict", "You put the model into train mode at the end, whatever mode it was in before. " + RESTORE_ALL
)
def predict_back_to_train(model, images):
    return _predict(model, images, _back_to_train)


@misconception(
    "predict",
    "You kept the mode of the model alone and gave it to everything inside: a frozen BatchNorm in it is frozen no "
    "more. " + RESTORE_ALL,
)
def predict_one_mode_for_all(model, images):
    return _predict(model, images, _mode_of_the_model_alone)


@misconception("predict", "Where the model raises an error, you do not get to give the modes back. " + RESTORE_ALWAYS)
def predict_not_restored_on_error(model, images):
    return _predict(model, images, _restored_where_all_is_well)


@misconception(
    "predict",
    "You caught the model's error and returned something. Nobody learns then that something is broken: let it through "
    "instead, `try` and `finally` without `except`.",
)
def predict_catches_errors(model, images):
    try:
        return ref.predict(model, images)
    except RuntimeError:
        return torch.zeros(len(images), dtype=torch.int64)


@misconception("predict", "The call of the model was recorded for a backward pass that never comes. " + NO_GRAD)
def predict_records(model, images):
    return _predict(model, images, _recording)


@misconception(
    "predict",
    "You switched gradients off and never on again, so the next training fails. " + NO_GRAD,
)
def predict_switches_gradients_off(model, images):
    return _predict(model, images, _never_recording_again)


@misconception("predict", "You switched `requires_grad` off, and the model cannot be trained any longer. " + NO_GRAD)
def predict_freezes(model, images):
    return _predict(model, images, _frozen)


@misconception(
    "predict",
    "You scaled the images in place. The caller still needs them as they were: compute a new tensor instead, or better "
    "leave that to whoever loads them.",
)
def images_scaled_in_place(model, images):
    result = ref.predict(model, images)
    images /= 255
    return result


# feature_maps


def _maps(model, images, *, ready=ref._evaluating, wanted=None, keep=None):
    """The reference, with the model made ready, layers chosen and outputs kept in another way."""
    found, handles = {}, []
    wanted = wanted or (lambda module: isinstance(module, nn.Conv2d))
    keep = keep or (lambda inputs, output: output.detach().clone())
    for name, module in model.named_modules():
        if wanted(module):

            def hook(_, inputs, output, name=name):
                found[name] = keep(inputs, output)

            handles.append(module.register_forward_hook(hook))
    try:
        with ready(model):
            model(images)
    finally:
        for handle in handles:
            handle.remove()
    return found


@misconception(
    "feature_maps",
    "You looked at the direct children of the model only. Convolutions lie deeper in most models: go through "
    "`model.named_modules()` instead of `named_children()`.",
)
def direct_children_alone(model, images):
    return {name: value for name, value in ref.feature_maps(model, images).items() if "." not in name}


@misconception(
    "feature_maps",
    "You used the last part of the name as the key, and layers in different blocks overwrite each other. Use the whole "
    "name that `named_modules()` gives instead.",
)
def last_part_of_the_name(model, images):
    return {name.split(".")[-1]: value for name, value in ref.feature_maps(model, images).items()}


@misconception(
    "feature_maps",
    "You numbered the maps. Their keys are the names of the layers: what `named_modules()` gives, instead of a count.",
)
def numbered_maps(model, images):
    return dict(enumerate(ref.feature_maps(model, images).values()))


@misconception(
    "feature_maps",
    "You named the maps by the class of their layer, and all Conv2d share one key. Use the name that `named_modules()` "
    "gives instead.",
)
def named_by_class(model, images):
    return {type(model.get_submodule(name)).__name__: value for name, value in ref.feature_maps(model, images).items()}


@misconception(
    "feature_maps",
    "All your maps went under the name of the last layer: the hooks of the loop share one variable `name` and read it "
    "when the loop is over. Bind it when the hook is made instead, in a function of its own or as a default argument.",
)
def name_of_the_last(model, images):
    found = ref.feature_maps(model, images)
    return {list(found)[-1]: list(found.values())[-1]} if found else {}


@misconception(
    "feature_maps",
    "You returned a list. Which map belongs to which layer is lost then: a dict from names to maps instead.",
)
def list_of_maps(model, images):
    return list(ref.feature_maps(model, images).values())


@misconception(
    "feature_maps",
    "You compared the type (`type(module) is nn.Conv2d`), and subclasses fall through. Use `isinstance(module, "
    "nn.Conv2d)` instead.",
)
def exact_type(model, images):
    return _maps(model, images, wanted=lambda module: type(module) is nn.Conv2d)


@misconception(
    "feature_maps",
    "You took every kind of convolution, transposed ones too. `nn.Conv2d` and its subclasses are asked for: "
    "`isinstance(module, nn.Conv2d)` instead.",
)
def every_convolution(model, images):
    return _maps(model, images, wanted=lambda module: isinstance(module, nn.modules.conv._ConvNd))


@misconception(
    "feature_maps",
    "You kept the outputs of all layers. Only those of `nn.Conv2d` are asked for: test with `isinstance` instead.",
)
def every_layer(model, images):
    return _maps(model, images, wanted=lambda module: not list(module.children()))


@misconception(
    "feature_maps",
    "You kept the dense layers as well. Only `nn.Conv2d` gives maps: leave `nn.Linear` out instead.",
)
def dense_layers_too(model, images):
    return _maps(model, images, wanted=lambda module: isinstance(module, nn.Conv2d | nn.Linear))


@misconception(
    "feature_maps",
    "You kept what goes into the layer. The output is asked for: a forward hook gets (module, inputs, output), take "
    "the third instead of the second.",
)
def inputs_for_outputs(model, images):
    return _maps(model, images, keep=lambda inputs, output: inputs[0].detach().clone())


@misconception(
    "feature_maps",
    "You kept the output itself, and the in-place ReLU behind it has overwritten it. `.detach()` makes no copy: keep "
    "`output.detach().clone()` instead.",
)
def overwritten_in_place(model, images):
    return _maps(model, images, keep=lambda inputs, output: output.detach())


@misconception(
    "feature_maps",
    "You applied a ReLU to the maps. The values are asked for as they left the layer: keep the negative ones instead.",
)
def maps_after_relu(model, images):
    return _maps(model, images, keep=lambda inputs, output: output.detach().relu())


@misconception(
    "feature_maps",
    "You kept the map of the first image alone. Every image has its own: keep the whole output (N, O, H, W) instead.",
)
def first_image_alone(model, images):
    return _maps(model, images, keep=lambda inputs, output: output[0].detach().clone())


@misconception(
    "feature_maps",
    "You removed axes of length 1 from the maps (`squeeze`). Keep the whole output (N, O, H, W) instead, also for a "
    "single image or channel.",
)
def maps_squeezed(model, images):
    return _maps(model, images, keep=lambda inputs, output: output.detach().clone().squeeze())


@misconception(
    "feature_maps",
    "You scaled each map to run from 0 to 1, as one does to show it. Return the values as they left the layer instead.",
)
def maps_scaled(model, images):
    def keep(inputs, output):
        low, high = output.min(), output.max()
        return (output.detach() - low) / (high - low + 1e-8)

    return _maps(model, images, keep=keep)


@misconception(
    "feature_maps",
    "Your hooks stay in the model and run on, in every training to come. Keep the handles that `register_forward_hook` "
    "gives, and `remove()` each at the end instead.",
)
def hooks_left_behind(model, images):
    found = ref.feature_maps(model, images)
    for name in found:
        model.get_submodule(name).register_forward_hook(lambda *_: None)
    return found


@misconception(
    "feature_maps",
    "You removed all hooks of the layers, also those of others. `remove()` the handles that you got for yours instead.",
)
def hooks_of_others_removed(model, images):
    try:
        return ref.feature_maps(model, images)
    finally:
        for module in model.modules():
            if isinstance(module, nn.Conv2d):
                module._forward_hooks.clear()


@misconception(
    "feature_maps",
    "Where the model raises an error, your hooks stay in it. Remove them in the `finally` of a `try` instead.",
)
def hooks_left_on_error(model, images):
    try:
        return ref.feature_maps(model, images)
    except RuntimeError:
        for module in model.modules():
            if isinstance(module, nn.Conv2d):
                module.register_forward_hook(lambda *_: None)
        raise


@misconception(
    "feature_maps",
    "You caught the model's error and returned the maps so far. Nobody learns then that something is broken: let it "
    "through instead, `try` and `finally` without `except`.",
)
def maps_catch_errors(model, images):
    try:
        return ref.feature_maps(model, images)
    except RuntimeError:
        return {}


@misconception(
    "feature_maps",
    "The layers of the model were not in eval mode: dropout throws values away and BatchNorm takes the batch for its "
    "statistics. " + ALL_IN_EVAL,
)
def maps_in_any_mode(model, images):
    return _maps(model, images, ready=_any_mode)


@misconception(
    "feature_maps", "You left the model in eval mode; a training that goes on would not notice. " + RESTORE_ALL
)
def maps_left_in_eval(model, images):
    return _maps(model, images, ready=_left_in_eval)


@misconception(
    "feature_maps", "You put the model into train mode at the end, whatever mode it was in before. " + RESTORE_ALL
)
def maps_back_to_train(model, images):
    return _maps(model, images, ready=_back_to_train)


@misconception(
    "feature_maps",
    "You kept the mode of the model alone and gave it to everything inside: a frozen BatchNorm in it is frozen no "
    "more. " + RESTORE_ALL,
)
def maps_one_mode_for_all(model, images):
    return _maps(model, images, ready=_mode_of_the_model_alone)


@misconception(
    "feature_maps", "Where the model raises an error, you do not get to give the modes back. " + RESTORE_ALWAYS
)
def maps_not_restored_on_error(model, images):
    return _maps(model, images, ready=_restored_where_all_is_well)


@misconception(
    "feature_maps",
    "The model was recorded for a backward pass that never comes, and your maps carry its history. Put its call into "
    "`with torch.no_grad():` instead.",
)
def maps_with_history(model, images):
    return _maps(model, images, ready=_recording, keep=lambda inputs, output: output.clone())


@misconception(
    "feature_maps",
    "You detached the maps, but the model was still recorded for a backward pass that never comes. " + NO_GRAD,
)
def maps_recorded(model, images):
    return _maps(model, images, ready=_recording)


@misconception(
    "feature_maps",
    "You switched gradients off and never on again, so the next training fails. " + NO_GRAD,
)
def maps_switches_gradients_off(model, images):
    return _maps(model, images, ready=_never_recording_again)


@misconception(
    "feature_maps",
    "You raise an error where the model has no convolution. Nothing is wrong with such a model: return an empty dict "
    "instead.",
)
def no_convolution_no_answer(model, images):
    found = ref.feature_maps(model, images)
    if not found:
        raise ValueError("model has no convolution")
    return found
