"""From generated source to machine code, by numba or Triton, cached on disk for later processes."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

try:
    import fcntl
except ImportError:  # not on Windows
    fcntl = None  # type: ignore[assignment]


@cache
def numba_missing() -> str:
    """Why numba cannot compile for the CPU; empty if it can."""
    return "" if importlib.util.find_spec("numba") else "numba is not installed"


@cache
def triton_missing() -> str:
    """Why Triton cannot compile for the GPU; empty if it can."""
    if not importlib.util.find_spec("triton"):
        return "triton is not installed"
    try:
        from triton.runtime import driver

        driver.active.get_current_target()
    except Exception as error:  # no driver, no C compiler for its launcher, another libcuda, ...
        return f"triton does not work here ({error})"
    return ""


@cache
def compiled(source: str, name: str) -> Callable[..., Any]:
    """The function ``name`` of a module with this source, compiled on its first call.

    It runs without the interpreter lock, so that threads may share the work. Floating point keeps
    the order and rounding of the source: nothing is fused or reassociated.
    """
    module = _module(source)
    function = kept(getattr(module, name), error_model="numpy")
    setattr(module, name, function)  # for kernels that import this one
    return function


def kept(function: Callable[..., Any], **options: Any) -> Callable[..., Any]:
    """A function compiled on its first call, its code kept on disk; ``options`` are numba's.

    Processes take turns with what is kept. An index and what it names are two files there: between
    reading the one and the other, another process might put code of other argument types in the
    place of what was named.
    """
    import numba

    made: Any = numba.njit(nogil=True, cache=True, **options)(function)
    cache_of = getattr(made, "_cache", None)  # none where NUMBA_DISABLE_JIT is set
    if cache_of is not None:
        lock = Path(cache_of.cache_path) / f"{function.__module__}.{function.__qualname__}.lock"
        for method in ("load_overload", "save_overload"):
            setattr(cache_of, method, _one_at_a_time(getattr(cache_of, method), lock))
    found: Callable[..., Any] = made
    return found


@cache
def loaded(source: str, name: str) -> Any:
    """The function ``name`` of a module with this source, which sees to its own compilation."""
    return getattr(_module(source), name)


def module_name(source: str) -> str:
    """The name under which another kernel can import from the module with this source."""
    digest = hashlib.blake2b(source.encode(), digest_size=12).hexdigest()
    return f"bidl_sim_kernel_{digest}"


@cache
def _module(source: str) -> Any:
    """The source as an imported module: compilers read its file, numba keeps its code beside it."""
    name = module_name(source)
    path = _folder() / f"{name}.py"
    if not path.exists() or path.read_text() != source:
        handle, temporary = tempfile.mkstemp(suffix=".tmp", dir=path.parent)
        with os.fdopen(handle, "w") as file:
            file.write(source)
        os.replace(temporary, path)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where numba looks for it when it reads its cache
    spec.loader.exec_module(module)
    return module


def _one_at_a_time(method: Callable[..., Any], path: Path) -> Callable[..., Any]:
    """A method that is called while no other process holds the lock at ``path``."""

    def alone(*arguments: Any) -> Any:
        with open(path, "w") as lock:
            if fcntl:
                fcntl.flock(lock, fcntl.LOCK_EX)  # let go when it is closed
            return method(*arguments)

    return alone


@cache
def _folder() -> Path:
    """``BIDL_SIM_CACHE``, or the user's cache; if not writable, one for this process."""
    chosen = os.environ.get("BIDL_SIM_CACHE")
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(chosen) if chosen else Path(base) / "bidl_sim"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except (OSError, RuntimeError):
        return Path(tempfile.mkdtemp(prefix="bidl_sim_"))
