"""A learner's nn.Module, seen from here: a real nn.Module whose forward runs on the other side of the wall.

Its parameters and buffers are mirrors. Those changed here are pushed before the next request, those changed there are
pulled after it, so optimizers, `functional_call`, hooks and `gradcheck` work on them as on any module's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from grader.errors import LearnerDied, LearnerRaised
from grader.worker.values import Packer, Unpacker
from grader.worker.wire import Entry, Reply, State

from .link import Event, Link


class RemoteModule(nn.Module):
    """The mirror of a module that lives in the worker under `remote_handle`."""

    def __init__(self, link: Link, handle: int, name: str, reply: Reply, body: bytes | bytearray) -> None:
        super().__init__()
        hidden = {"link": link, "remote_handle": handle, "remote_name": name, "_there": {}}
        self.__dict__.update(hidden)  # not nn.Module's business
        self._pull(reply, body)
        link.forget_handle(self, handle)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self._request("__call__", args, kwargs)

    def train(self, mode: bool = True) -> RemoteModule:
        if "remote_handle" in self.__dict__:
            self._request("train", (mode,), {})
        return self

    def eval(self) -> RemoteModule:
        self._request("eval", (), {})
        return self

    def state_dict(self, *args: Any, **kwargs: Any) -> Any:
        if args or kwargs:  # called by a module of ours that this one is part of
            return super().state_dict(*args, **kwargs)
        with torch.no_grad():
            return self._request("state_dict", (), {})

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> Any:
        state = {key: value.detach() for key, value in state_dict.items()}
        return self._request("load_state_dict", (state,), {} if strict else {"strict": False})

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
        self._push()
        shown = "" if method == "__call__" else method
        self.link.case.events.append(Event(shown, args, kwargs, subject=self.remote_name))
        parameters = list(self.parameters())
        handle = self.remote_handle
        answer = self.link.call(method, args, kwargs, on=handle, parameters=parameters, refresh=self._push)
        self._pull(answer.reply, answer.body)
        return answer.value

    def _mirrors(self) -> dict[str, torch.Tensor]:
        return dict(self.named_parameters()) | dict(self.named_buffers())

    def _push(self) -> None:
        """Write over there what was changed here. Compared by value: `.data` and gradcheck leave no other trace."""
        mirrors = self._mirrors()
        changed = {name: value for name, value in mirrors.items() if not _same(self._there.get(name), value)}
        if not changed:
            return
        packer = Packer()
        request = State(self.remote_handle, {name: packer.pack(value.detach()) for name, value in changed.items()})
        self.link.exchange(request, bytes(packer.body))
        self._there.update({name: value.detach().clone() for name, value in changed.items()})

    def _pull(self, reply: Reply, body: bytes | bytearray) -> None:
        if reply.state is None:
            return
        known: dict[str, torch.Tensor | None] = {}
        try:
            for entry in reply.state:
                known[entry.name] = self._mirror(entry, Unpacker(body), known)
        except Exception as error:  # names and shapes that fit no module
            raise LearnerDied(f"your module's parameters cannot be read ({error})") from None
        arrived = {entry.name for entry in reply.state}
        mirrors = self._mirrors()
        self._there.update({name: value.detach().clone() for name, value in mirrors.items() if name in arrived})
        for module in self.modules():
            module.training = reply.training

    def _mirror(self, entry: Entry, reader: Unpacker, known: dict[str, torch.Tensor | None]) -> torch.Tensor | None:
        *path, name = entry.name.split(".")
        node: nn.Module = self
        for part in path:
            node._modules.setdefault(part, nn.Module())
            node = node._modules[part]  # type: ignore[assignment]
        places = node._parameters if entry.kind == "p" else node._buffers
        value: torch.Tensor | None = None
        if entry.same_as is not None:
            value = known.get(entry.same_as, self._mirrors().get(entry.same_as))
        elif entry.value is not None:
            value = reader.tensor(entry.value)
            present = places.get(name)
            if present is not None and _same(present, value):  # no write: it would touch the version
                return present
            if present is not None and present.shape == value.shape and present.dtype == value.dtype:
                present.data.copy_(value)
                return present
            if entry.kind == "p":
                value = nn.Parameter(value, requires_grad=entry.value.requires_grad)
        if entry.kind == "n":
            node._non_persistent_buffers_set.add(name)
        places[name] = value  # type: ignore[assignment]
        return value


def _same(present: torch.Tensor | None, value: torch.Tensor) -> bool:
    if present is None or present.device != value.device or present.dtype != value.dtype:
        return False
    return present.shape == value.shape and (value.device.type == "meta" or torch.equal(present, value))
