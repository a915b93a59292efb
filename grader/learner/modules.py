"""A learner's nn.Module, seen from here: a real nn.Module whose forward runs on the other side of the wall.

Its parameters and buffers are mirrors. Those changed here are pushed before the next request, those changed there are
pulled after it, so optimizers, `functional_call`, hooks and `gradcheck` work on them as on any module's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import nn

from grader.errors import LearnerDied, LearnerRaised
from grader.worker.values import Packer, Unpacker, same_tensor
from grader.worker.wire import Entry, Reply, State

from .link import Link

ENTRIES_CAP = 20_000  # parameters and buffers of one module
MODULES_CAP = 5_000  # of them that hold any
NAME_CAP, DEPTH_CAP = 400, 50  # characters of a dotted name, and modules in modules
_Keys = torch.nn.modules.module._IncompatibleKeys


class RemoteModule(nn.Module):
    """The mirror of a module that lives in the worker under `remote_handle`."""

    def __init__(self, link: Link, handle: int, name: str, reply: Reply, body: bytes | bytearray) -> None:
        super().__init__()
        hidden = {"link": link, "remote_handle": handle, "remote_name": name, "_there": {}}
        self.__dict__.update(hidden)  # not nn.Module's business
        self._mirror_all(reply, body)
        weights = [value for value in (*self.parameters(), *self.buffers()) if value.device.type != "meta"]
        link.forget_handle(self, handle, sum(value.numel() * value.element_size() for value in weights))

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self._request("__call__", args, kwargs)

    def train(self, mode: bool = True) -> RemoteModule:
        if "remote_handle" in self.__dict__:
            self._request("train", (mode,), {})
        return self

    def eval(self) -> RemoteModule:
        self._request("eval", (), {})
        return self

    def to(self, *args: Any, **kwargs: Any) -> Any:
        """Over there, as the learner's own module does it; there is nothing to copy where the device is "meta"."""
        self._request("to", args, kwargs)
        return self

    def state_dict(self, *args: Any, **kwargs: Any) -> Any:
        if args or kwargs:  # called by a module of ours that this one is part of
            return super().state_dict(*args, **kwargs)
        with torch.no_grad():
            return self._request("state_dict", (), {})

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> Any:
        state = {key: value.detach() for key, value in state_dict.items()}
        answer = self._request("load_state_dict", (state,), {} if strict else {"strict": False})
        return _Keys(*answer) if isinstance(answer, tuple) and len(answer) == 2 else answer

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            if name.startswith("_") or "remote_handle" not in self.__dict__:
                raise
        try:
            return self.link.call("__getattribute__", (name,), {}, on=self.remote_handle).value
        except LearnerRaised as error:
            raise AttributeError(error.message) from None

    def __deepcopy__(self, memo: Any) -> RemoteModule:
        raise TypeError("a remote module cannot be copied; build a second one and load the state_dict")

    def _request(self, method: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        self.push()
        shown = "" if method == "__call__" else method
        self.link.case.tell(shown, args, kwargs, subject=self.remote_name)
        parameters = list(self.parameters())
        handle = self.remote_handle
        answer = self.link.call(method, args, kwargs, on=handle, parameters=parameters, refresh=self.refresher())
        self._mirror_all(answer.reply, answer.body)
        return answer.value

    def push(self, mirrors: Mapping[str, torch.Tensor] | None = None) -> None:
        """Write over there what was changed here. Compared by value: `.data` and gradcheck leave no other trace."""
        known = dict(self.named_parameters()) | dict(self.named_buffers()) if mirrors is None else mirrors
        changed = {
            name: value.detach() for name, value in known.items() if not same_tensor(self._there.get(name), value)
        }
        if changed:
            self._write(changed)

    def pull(self) -> None:
        """Read what was changed over there by other ways than a call of this module."""
        self._write({})

    def refresher(self) -> Callable[[], None]:
        """Writes the parameters of this moment before a backward: `functional_call` may have swapped them since."""
        parameters = dict(self.named_parameters())
        return lambda: self.push(parameters)

    def _write(self, changed: Mapping[str, torch.Tensor]) -> None:
        packer = Packer()
        request = State(self.remote_handle, {name: packer.pack(value) for name, value in changed.items()})
        reply, body = self.link.exchange(request, bytes(packer.body))
        self._there.update({name: value.clone() for name, value in changed.items()})
        self._mirror_all(reply, body, besides=changed)

    def _mirror_all(
        self, reply: Reply, body: bytes | bytearray, *, besides: Mapping[str, object] | None = None
    ) -> None:
        """Take over what a reply says of the state, `besides` what was just written."""
        if reply.state is None:
            return
        entries = [entry for entry in reply.state if entry.name not in (besides or {})]
        try:
            _plausible(entries)
            reader = Unpacker(body)
            for entry in entries:
                self._mirror(entry, reader)
            for module in self.modules():
                module.training = reply.training
        except Exception as error:  # names and shapes that fit no module
            raise LearnerDied(f"your module's parameters cannot be read ({error})") from None

    def _mirror(self, entry: Entry, reader: Unpacker) -> None:
        *path, name = entry.name.split(".")
        node: nn.Module = self
        for part in path:
            if part not in node._modules:
                node._modules[part] = nn.Module()
            node = node._modules[part]  # type: ignore[assignment]
        places = node._parameters if entry.kind == "p" else node._buffers
        if entry.kind == "n":
            node._non_persistent_buffers_set.add(name)
        places[name] = self._value(entry, reader, places.get(name))  # type: ignore[assignment]

    def _value(self, entry: Entry, reader: Unpacker, present: torch.Tensor | None) -> torch.Tensor | None:
        """The mirror of one entry: the tensor that stands for it already, where there is one."""
        if entry.same_as is not None:
            return self._at(entry.same_as)
        if entry.value is None:
            self._there.pop(entry.name, None)
            return None
        value = reader.tensor(entry.value)
        self._there[entry.name] = value.detach().clone()
        if present is not None and present.device == value.device:
            if not same_tensor(present, value):  # no write without need, and none that touches the version
                if present.dtype == value.dtype and present.shape == value.shape:
                    present.data.copy_(value)
                else:
                    present.data = value
            return present
        return nn.Parameter(value, requires_grad=entry.value.requires_grad) if entry.kind == "p" else value

    def _at(self, name: str) -> torch.Tensor | None:
        """The mirror that has this dotted name."""
        *path, last = name.split(".")
        node: nn.Module | None = self
        for part in path:
            node = node._modules.get(part) if node is not None else None
        return None if node is None else node._parameters.get(last, node._buffers.get(last))


def _plausible(entries: Sequence[Entry]) -> None:
    """Refuse a state that would be slow to read: the learner's code can make one up."""
    names = [entry.name for entry in entries]
    if len(names) > ENTRIES_CAP or any(len(name) > NAME_CAP or name.count(".") > DEPTH_CAP for name in names):
        raise ValueError("too many, or names that are too long")
    if len({name.rpartition(".")[0] for name in names}) > MODULES_CAP:
        raise ValueError("too many modules")


def modules_in(args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[RemoteModule]:
    """The remote modules among the arguments, each once, as the worker finds them too."""
    found = [value for value in (*args, *kwargs.values()) if isinstance(value, RemoteModule)]
    return list({id(module): module for module in found}.values())
