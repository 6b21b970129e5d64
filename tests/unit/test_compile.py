"""Compiled code on disk, which several processes use at once."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pytest

from bidl_sim.engines.kernels import compile as compiling

fcntl = pytest.importorskip("fcntl")
SOURCE = "def twice(x):\n    return x + x\n"


def test_the_cache_of_a_function_is_used_by_one_at_a_time(tmp_path, monkeypatch) -> None:
    """Whoever comes waits for the lock, and then has what the other compiled."""
    monkeypatch.setattr(compiling, "_folder", lambda: tmp_path)
    source = f"{SOURCE}# {tmp_path}\n"
    twice = compiling.compiled(source, "twice")
    assert twice(2) == 4
    path = Path(twice._cache.cache_path) / f"{compiling.module_name(source)}.twice.lock"
    found: list[float] = []
    with open(path, "w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        thread = threading.Thread(target=lambda: found.append(twice(np.float32(1.5))))
        thread.start()
        time.sleep(0.3)
        assert not found
    thread.join(60)
    assert found == [3.0]
    names = {path.suffix for path in tmp_path.iterdir()}
    assert {".py", ".lock", ".nbi", ".nbc"} <= names | {p.suffix for p in tmp_path.rglob("*")}
