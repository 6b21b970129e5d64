"""Random numbers that depend on names, not on order.

Every process draws from a stream of its own, fixed by (seed, path of the process, purpose). Adding
or removing a process leaves the numbers of all others as they are. The numbers of one timestep
are a function of the step index (a counter-based generator, Salmon et al. 2011), so they are the
same in every schedule, in a run done in pieces and after a restore.
"""

from __future__ import annotations

import hashlib

import numpy as np


def stream(seed: int, path: str, purpose: str, step: int = 0) -> np.random.Generator:
    """The generator of one process for one purpose, standing at the beginning of ``step``."""
    digest = hashlib.blake2b(f"{seed}/{path}/{purpose}".encode(), digest_size=16).digest()
    key = np.frombuffer(digest, dtype="<u8")
    return np.random.Generator(np.random.Philox(key=key, counter=[0, 0, 0, step]))
