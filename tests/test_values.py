"""Values cross the wall unchanged, or by name where they do not cross; forged ones cost nothing and are refused."""

from __future__ import annotations

import collections
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.worker.values import DEPTH_CAP, DTYPES, ITEMS_CAP, Packer, Unpacker, same_tensor
from grader.worker.wire import (
    BODY_CAP,
    DictV,
    DtypeV,
    HandleV,
    ListV,
    OpaqueV,
    Reply,
    TensorV,
    TupleV,
    WireError,
    lengths,
    read_reply,
    reply_frame,
)

PREFIX = 16
HUGE = 2**62


def there_and_back(value, *, layout=False, leaves=False):
    """Through the same bytes as over a socket."""
    packer = Packer(layout=layout)
    data = reply_frame(Reply(1, packer.pack(value)), packer.body)
    head, body = lengths(data[:PREFIX])
    reply = read_reply(data[PREFIX : PREFIX + head])
    assert reply.failure is None
    assert len(data) == PREFIX + head + body
    return Unpacker(data[PREFIX + head :], leaves=leaves).unpack(reply.value)


def opaque_form(value):
    form = Packer().pack(value)
    assert isinstance(form, OpaqueV)
    return form


PLAIN = {
    "None": None,
    "true": True,
    "zero": 0,
    "the smallest int": -(2**63),
    "the largest int": 2**63 - 1,
    "a float": 0.1,
    "infinity": -math.inf,
    "text": "größe 形 \x00 \x1b[31m",
    "an empty list": [],
    "an empty tuple": (),
    "an empty dict": {},
    "a nest": [(1, [2.0, {"a": (None, True)}]), {}, ()],
    "a dict in its own order": {"b": 1, "a": 2, 3: [4], (1, "x"): 5, None: 6, 1.5: 7},
    "dtypes": [torch.float32, torch.bool],
}


@pytest.mark.parametrize("name", PLAIN)
def test_a_plain_value_comes_back_as_it_was(name):
    back = there_and_back(PLAIN[name])

    assert back == PLAIN[name]
    assert type(back) is type(PLAIN[name])


def test_a_dict_keeps_its_order():
    assert list(there_and_back({"b": 1, "a": 2})) == ["b", "a"]


def test_one_and_true_stay_apart():
    assert [type(item) for item in there_and_back([True, 1, 1.0])] == [bool, int, float]


def test_nan_comes_back_as_nan():
    assert math.isnan(there_and_back(float("nan")))


def test_the_sign_of_zero_is_kept():
    assert math.copysign(1, there_and_back(-0.0)) == -1


Point = collections.namedtuple("Point", "x y")

BECOMES = {
    "a torch.Size is a tuple": (torch.Size([2, 3]), (2, 3)),
    "a namedtuple is a tuple": (Point(1, 2), (1, 2)),
    "an OrderedDict is a dict": (collections.OrderedDict(b=1, a=2), {"b": 1, "a": 2}),
    "a list subclass is a list": (type("L", (list,), {})([1, 2]), [1, 2]),
    "a lone surrogate is a question mark": ("a\ud800b", "a?b"),
}


@pytest.mark.parametrize("name", BECOMES)
def test_a_near_relative_of_a_plain_type_becomes_plain(name):
    value, want = BECOMES[name]
    back = there_and_back(value)

    assert back == want
    assert type(back) is type(want)


class Yes(int):
    def __eq__(self, other):
        return True

    __hash__ = int.__hash__


class Liar(torch.Tensor):
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        return True


class Raises:
    def __repr__(self):
        raise KeyboardInterrupt


class Meta(type):
    def __getattribute__(cls, name):
        raise ValueError(name)


class OddlyNamed(metaclass=Meta):
    pass


DOES_NOT_CROSS = {
    "an int of more than 64 bits": (2**64, "int"),
    "an int subclass that lies": (Yes(3), "Yes"),
    "a complex number": (1j, "complex"),
    "bytes": (b"x", "bytes"),
    "a set": ({1}, "set"),
    "a generator": ((i for i in ()), "generator"),
    "a tensor subclass": (torch.zeros(2).as_subclass(Liar), "Liar"),
    "a numpy array": (torch.zeros(2).numpy(), "numpy.ndarray"),
    "a numpy number": (torch.zeros(2).numpy()[0], "numpy.float32"),
    "a module": (torch.nn.ReLU(), "torch.nn.modules.activation.ReLU"),
    "an object whose repr raises": (Raises(), "Raises"),
    "an object of a class with a lying name": (OddlyNamed(), "OddlyNamed"),
    "a sparse tensor": (torch.zeros(2, 2).to_sparse(), "torch.Tensor"),
    "a function": (len, "builtin_function_or_method"),
    "a class": (int, "type"),
}


@pytest.mark.parametrize("name", DOES_NOT_CROSS)
def test_anything_else_crosses_by_its_name_only(name):
    value, type_name = DOES_NOT_CROSS[name]
    form = opaque_form(value)

    assert form.type_name.rpartition(".")[2] == type_name.rpartition(".")[2]
    assert len(form.text) <= 2000
    assert there_and_back([value]) == [form]


def test_a_name_holds_no_address_since_that_differs_from_run_to_run():
    assert " at 0x" not in opaque_form(object()).text


def test_a_handle_stands_for_an_object_over_there():
    known = object()
    packer = Packer(lambda value: 7 if value is known else None)

    assert packer.pack([known]) == ListV([HandleV(7)])
    assert Unpacker(b"").unpack(HandleV(7)) == HandleV(7)
    assert Unpacker(b"", {7: known}.__getitem__).unpack(HandleV(7)) is known


def test_keys_that_do_not_cross_stay_apart():
    back = there_and_back({torch.zeros(1): 1, torch.zeros(1): 2, torch.float32: 3, object(): 4, object(): 5})

    assert list(back.values()) == [1, 2, 3, 4, 5]


TENSORS = {
    "0-d": torch.tensor(3.5),
    "empty": torch.zeros(0),
    "empty in the middle": torch.zeros(2, 0, 3),
    "one element": torch.ones(1, 1, 1, 1),
    "transposed": torch.arange(6.0).reshape(2, 3).t(),
    "every second": torch.arange(10.0)[::2],
    "expanded": torch.tensor([[1.0], [2.0]]).expand(2, 3),
    "channels last": torch.arange(24.0).reshape(1, 2, 3, 4).to(memory_format=torch.channels_last),
    "a window into another": torch.arange(5.0).unfold(0, 3, 1),
    "in the middle of its storage": torch.arange(10.0)[3:7],
    "one element of many": torch.arange(6.0)[4::2],
    "conjugate": torch.tensor([1 + 2j, 3 - 1j]).conj(),
    "a conjugate transpose": torch.tensor([[1 + 2j, 3 - 1j]]).mH,
    "negative view": torch.tensor([1 + 2j]).conj().imag,
    "not finite": torch.tensor([math.nan, math.inf, -math.inf, -0.0]),
    "many dimensions": torch.zeros((1,) * 20),
}


@pytest.mark.parametrize("layout", [False, True])
@pytest.mark.parametrize("name", TENSORS)
def test_a_tensor_comes_back_bit_for_bit(name, layout):
    value = TENSORS[name]
    back = there_and_back(value, layout=layout)

    assert type(back) is torch.Tensor
    assert (back.dtype, back.shape, back.device) == (value.dtype, value.shape, value.device)
    assert same_tensor(back, value)


@pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES)
def test_every_dtype_crosses(dtype):
    value = torch.tensor([0, 1, 0, 1, 1]).to(dtype)
    back = there_and_back(value)

    assert back.dtype is dtype
    assert torch.equal(back, value)


def test_the_layout_of_an_input_is_part_of_it():
    value = TENSORS["channels last"]

    assert there_and_back(value, layout=True).stride() == value.stride()
    assert there_and_back(value).is_contiguous()


def test_an_expanded_input_shares_its_memory_over_there_too():
    back = there_and_back(TENSORS["expanded"], layout=True)

    assert back.stride() == (1, 0)
    assert back.untyped_storage().nbytes() == 8


def test_an_input_is_nobodys_view():
    assert not there_and_back(torch.ones(2, 2), layout=True)._is_view()


def test_an_input_is_a_leaf_that_requires_grad_where_it_did():
    values = [torch.ones(2, requires_grad=True) * 2, torch.ones(2), torch.nn.Parameter(torch.ones(2))]
    back = there_and_back(values, leaves=True)

    assert [(tensor.requires_grad, tensor.is_leaf) for tensor in back] == [(True, True), (False, True), (True, True)]


def test_a_meta_tensor_crosses_without_bytes():
    packer = Packer(layout=True)
    form = packer.pack(torch.empty(10**6, 10**6, device="meta").t())
    back = Unpacker(b"").unpack(form)

    assert not packer.body
    assert (back.device.type, back.shape, back.stride()) == ("meta", (10**6, 10**6), (1, 10**6))


def test_a_byte_of_seven_is_no_bool():
    back = Unpacker(b"\x07\x00").unpack(TensorV("bool", (2,), "cpu", 0, 2))

    assert back.view(torch.uint8).tolist() == [1, 0]


def test_tensors_do_not_share_memory_with_the_message():
    body = bytearray(4)
    back = Unpacker(body).unpack(TensorV("float32", (1,), "cpu", 0, 4))
    body[:] = b"\xff" * 4

    assert back.item() == 0


def test_the_same_value_gives_the_same_bytes():
    def once():
        packer = Packer(layout=True)
        return reply_frame(Reply(3, packer.pack([*TENSORS.values(), PLAIN["a nest"]])), packer.body)

    assert once() == once()


# Caps.


def test_a_tensor_larger_than_a_message_is_refused_before_it_is_copied():
    with pytest.raises(WireError, match="larger"):
        Packer().pack(torch.zeros(1).expand(2**31))


def test_tensors_that_are_too_large_together_are_refused():
    one = torch.zeros(1, dtype=torch.uint8).expand(BODY_CAP // 2 + 1)
    packer = Packer()
    packer.body = bytearray(BODY_CAP // 2)

    with pytest.raises(WireError, match="larger"):
        packer.pack(one)


def test_a_list_that_contains_itself_is_refused():
    endless: list = []
    endless.append(endless)

    with pytest.raises(WireError, match="deeply"):
        Packer().pack(endless)


@pytest.mark.parametrize("wrap", [ListV, TupleV, lambda items: DictV([(1, item) for item in items])])
def test_a_forged_nest_is_refused(wrap):
    value = 1
    for _ in range(DEPTH_CAP + 2):
        value = wrap([value])

    with pytest.raises(WireError, match="deeply"):
        Unpacker(b"").unpack(value)


def test_too_many_items_are_refused_on_either_side():
    with pytest.raises(WireError, match="many"):
        Packer().pack([0] * (ITEMS_CAP + 1))
    with pytest.raises(WireError, match="many"):
        Unpacker(b"").unpack(ListV([0] * (ITEMS_CAP + 1)))


# Forgeries.

FORGED = {
    "an unknown dtype": TensorV("object", (1,), "cpu", 0, 4),
    "an empty dtype": TensorV("", (1,), "cpu", 0, 4),
    "a negative size": TensorV("float32", (-1,), "cpu", 0, 4),
    "a size that overflows": TensorV("float32", (HUGE, HUGE), "cpu", 0, 4),
    "sizes whose product wraps around to four": TensorV("float32", (2**32, 2**32 + 1), "cpu", 0, 4),
    "an empty tensor of an impossible size": TensorV("float32", (0, HUGE, HUGE), "cpu", 0, 0),
    "more than it brings": TensorV("float32", (2**28,), "cpu", 0, 2**30),
    "an offset past the body": TensorV("float32", (1,), "cpu", 100, 4),
    "an offset just past the end": TensorV("float32", (1,), "cpu", 61, 4),
    "a negative offset": TensorV("float32", (1,), "cpu", -4, 4),
    "a huge offset": TensorV("float32", (1,), "cpu", 2**64 - 2, 4),
    "too few bytes": TensorV("float32", (2,), "cpu", 0, 4),
    "negative bytes": TensorV("float32", (0,), "cpu", 8, -4),
    "too many dimensions": TensorV("float32", (1,) * 65, "cpu", 0, 4),
    "a terabyte through a stride of zero": TensorV("float32", (2**38,), "cpu", 0, 4, False, (0,)),
    "an overflow through a stride of zero": TensorV("float32", (HUGE, HUGE), "cpu", 0, 4, False, (0, 0)),
    "a negative stride": TensorV("float32", (2,), "cpu", 0, 8, False, (-1,)),
    "a stride that leaves the body": TensorV("float32", (2,), "cpu", 0, 8, False, (HUGE,)),
    "more strides than sizes": TensorV("float32", (2,), "cpu", 0, 8, False, (1, 1)),
    "a negative stride on nothing": TensorV("float32", (0,), "cpu", 0, 0, False, (-1,)),
    "an impossible meta tensor": TensorV("float32", (HUGE, HUGE), "meta", 0, 0),
    "a meta tensor beyond 64 bits": TensorV("float32", (2**64 - 1,), "meta", 0, 0),
    "meta strides that do not fit": TensorV("float32", (2,), "meta", 0, 0, False, (1, 2, 3)),
    "a dict that has a key twice": DictV([(1, 2), (1, 3)]),
    "one and true as keys of one dict": DictV([(1, 2), (True, 3)]),
    "a list as a key": DictV([(ListV([]), 1)]),
    "a deeply nested key": DictV([(TupleV([TupleV([DictV([])])]), 1)]),
    "many rows of nothing": TensorV("float32", (2**21, 0), "cpu", 0, 0),
    "many keys that may share a hash": DictV([(number, None) for number in range(2002)]),
    "the same bytes twice": ListV([TensorV("uint8", (40,), "cpu", 0, 40)] * 2),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_value_is_refused(name):
    with pytest.raises(WireError):
        Unpacker(bytes(64)).unpack(FORGED[name])


def test_no_message_makes_more_tensors_than_it_has_bytes():
    body = bytes(2**20)
    many = ListV([TensorV("uint8", (2**20,), "cpu", 0, 2**20)] * 10_000)  # ten gigabytes

    with pytest.raises(WireError):
        Unpacker(body).unpack(many)


SIZES = st.integers(-2, 5) | st.integers(-(2**63), 2**64 - 1)
FORMS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats()
    | st.text(max_size=5)
    | st.builds(HandleV, st.integers(0, 9))
    | st.builds(OpaqueV, st.text(max_size=5), st.text(max_size=5))
    | st.builds(DtypeV, st.sampled_from(["float32", "nonsense"]))
    | st.builds(
        TensorV,
        st.sampled_from([*DTYPES, "nonsense"]),
        st.lists(SIZES, max_size=4).map(tuple),
        st.sampled_from(["cpu", "meta", "cuda", ""]),
        SIZES,
        SIZES,
        st.booleans(),
        st.none() | st.lists(SIZES, max_size=4).map(tuple),
    ),
    lambda inner: (
        st.builds(ListV, st.lists(inner, max_size=3))
        | st.builds(TupleV, st.lists(inner, max_size=3))
        | st.builds(DictV, st.lists(st.tuples(inner, inner), max_size=3))
    ),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(form=FORMS, body=st.binary(max_size=64), leaves=st.booleans())
def test_whatever_a_header_says_it_becomes_a_value_or_a_wire_error(form, body, leaves):
    reader = Unpacker(body, leaves=leaves)
    try:
        value = reader.unpack(form)
    except WireError:
        return
    again = Packer(layout=True)
    again.pack(value)  # what came out is plain enough to be sent on
    assert len(again.body) <= 16 * len(body) + 64
