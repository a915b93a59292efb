"""Libraries that could do an exercise's work: importing one is harmless, using it is refused.

A learner's notebook often imports more than it uses. So an import gives a stand-in, and only what is called, built or
inherited from it is refused, by its line. A library that tries another one hears that it is not there.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any, NoReturn

Refuse = Callable[[str], NoReturn]

# matplotlib, pandas and PIL are not among them: a notebook imports them for its pictures, and none of them convolves.
# Where they are not installed, they are there all the same and do nothing: no picture is looked at in here, and work
# that is right must not be lost over an import.
PICTURES = frozenset(
    (
        *("IPython", "PIL", "graphviz", "ipywidgets", "matplotlib", "pandas", "plotly", "seaborn", "tensorboard"),
        *("torchinfo", "torchsummary", "torchviz", "tqdm"),
    )
)
LIBRARIES = frozenset(
    (
        *("astropy", "cupy", "cv2", "jax", "jaxlib", "keras", "kornia", "mxnet", "numba", "onnxruntime", "paddle"),
        *("scipy", "skimage", "sklearn", "tensorflow", "theano", "timm", "tinygrad", "torchaudio", "torchvision"),
    )
)


def block_imports(refuse: Refuse) -> None:
    """From here on LIBRARIES are stand-ins; one that is loaded already has to be imported again."""
    for name in [name for name in sys.modules if name.partition(".")[0] in LIBRARIES]:
        del sys.modules[name]
    finder = _Finder(refuse)
    sys.meta_path.insert(0, finder)
    sys.addaudithook(_watch(finder, refuse))


def _watch(finder: _Finder, refuse: Refuse) -> Callable[[str, tuple[Any, ...]], None]:
    """An audit hook, which nobody can take away: it refuses where the finder was taken out of the way."""

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event == "import" and str(args[0]).partition(".")[0] in LIBRARIES:
            if not sys.meta_path or sys.meta_path[0] is not finder:
                refuse(f"importing {args[0]}")
        elif event == "open" and (library := _folder_of_library(args[0])) is not None:
            refuse(f"reading the files of {library}")

    return hook


def _folder_of_library(path: object) -> str | None:
    if not isinstance(path, str | bytes | os.PathLike):  # a descriptor
        return None
    whole = os.path.abspath(os.fsdecode(path))
    _, found, below = whole.replace("dist-packages", "site-packages").rpartition("site-packages/")
    name = below.partition("/")[0]
    return name if found and name in LIBRARIES else None


class StandIn:
    """Something of a library that may not be used: may be named, passed on and looked into, and refuses all else."""

    def __init__(self, name: str, refuse: Refuse) -> None:
        self._name, self._refuse = name, refuse

    def __getattr__(self, name: str) -> StandIn:
        if name.startswith("__"):  # Python asking, not the learner
            raise AttributeError(name)
        return StandIn(f"{self._name}.{name}", self._refuse)

    def __call__(self, *args: object, **kwargs: object) -> NoReturn:
        self._refuse(self._name)

    def __mro_entries__(self, bases: object) -> NoReturn:
        self._refuse(self._name)


class Silent:
    """Something of a library that draws: may be called, looked into and set, and does nothing."""

    def __getattr__(self, name: str) -> Silent:
        if name.startswith("__"):
            raise AttributeError(name)
        return Silent()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return args[0] if args and hasattr(args[0], "__iter__") and not isinstance(args[0], str) else Silent()  # tqdm

    def __setattr__(self, name: str, value: object) -> None:
        """Nothing to keep."""

    def __iter__(self) -> Iterator[Silent]:
        return iter((Silent(), Silent()))  # figure, axes = plt.subplots()

    def __getitem__(self, key: object) -> Silent:
        return Silent()

    def __setitem__(self, key: object, value: object) -> None:
        """Nothing to keep."""

    def __enter__(self) -> Silent:
        return self

    def __exit__(self, *error: object) -> None:
        """Exceptions pass."""


class _StandInModule(ModuleType):
    def __init__(self, name: str, make: Callable[[str], Any]) -> None:
        super().__init__(name)
        self.__path__: list[str] = []  # a package: its submodules are stand-ins too
        self.__dict__["_make"] = make

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self.__dict__["_make"](f"{self.__name__}.{name}")


class _Finder(MetaPathFinder, Loader):
    """Finds the libraries before anybody else does. Who only asks whether one is there (find_spec) gets an answer."""

    def __init__(self, refuse: Refuse) -> None:
        self._refuse = refuse

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        library = fullname.partition(".")[0]
        if library in PICTURES and not _asked_by_library() and PathFinder.find_spec(library) is None:
            return ModuleSpec(fullname, self, is_package=True)
        if library not in LIBRARIES:
            return None
        if _asked_by_library() and PathFinder.find_spec(fullname, path) is None:
            return None  # truly absent, which is what a library that can do without wants to hear
        return ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        if spec.name.partition(".")[0] in PICTURES:
            return _StandInModule(spec.name, lambda _: Silent())
        if _asked_by_library():
            raise ImportError(f"{spec.name} is not there for the libraries of a worker", name=spec.name)
        return _StandInModule(spec.name, lambda name: StandIn(name, self._refuse))

    def exec_module(self, module: ModuleType) -> None:
        """Nothing to run."""


def _asked_by_library() -> bool:
    """Whether an installed library, not the learner, wants the import: those have an `except ImportError` for it."""
    frame = sys._getframe(2)
    while frame.f_back is not None and "importlib" in frame.f_code.co_filename:
        frame = frame.f_back
    return any(folder in frame.f_code.co_filename for folder in ("site-packages", "dist-packages"))
