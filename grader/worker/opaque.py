"""What does not cross, by name: its type and the beginning of its repr, whatever the learner's code made of either."""

from __future__ import annotations

from .wire import OpaqueV, words


def opaque(value: object) -> OpaqueV:
    """Name something that does not cross. The learner's repr may hang or lie: it runs on their side of the deadline."""
    return OpaqueV(type_name(type(value)), _repr(value))


def type_name(kind: type) -> str:
    """A class's own name, whatever its metaclass says of it: "torch.nn.modules.conv.Conv2d", "generator"."""
    module, name = (type.__dict__[word].__get__(kind) for word in ("__module__", "__qualname__"))
    return words(f"{module}.{name}".removeprefix("builtins."), 200)


def _repr(value: object) -> str:
    try:
        return words(repr(value))
    except BaseException:
        return "(its repr raises)"
