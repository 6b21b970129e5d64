"""Random numbers that depend on names, not on order.

Every process draws from a stream of its own, fixed by (seed, path of the process, purpose). Adding
or removing a process leaves the numbers of all others as they are. The uniform numbers of a
simulation are a function of (step, place) besides: the same in every engine and schedule, in a run
done in pieces and after a restore.
"""

from __future__ import annotations

import hashlib

import numpy as np

from bidl_sim.typing import Array

STEP_BITS = 40
"""A step may draw 2^40 numbers before it meets those of the next."""


def stream(seed: int, path: str, purpose: str) -> np.random.Generator:
    """The generator of one process for one purpose, for what is drawn once."""
    return np.random.Generator(np.random.Philox(key=_digest(seed, path, purpose)))


def splitmix(seed: int, path: str, purpose: str = "uniform") -> tuple[int, int]:
    """Key and gamma of a process's SplitMix64 stream.

    Number k of step t is ``mix(key + (t 2^40 + k) gamma)``; each process has a gamma of its own, so
    that no two streams run along one another.

    References
    ----------
    Steele, Lea and Flood, OOPSLA 2014; the mixing function is Stafford's variant 13, as there.
    """
    key, gamma = (int(word) for word in _digest(seed, path, purpose))
    gamma |= 1
    if (gamma ^ (gamma >> 1)).bit_count() < 24:  # too regular, see there
        gamma ^= 0xAAAAAAAAAAAAAAAA
    return key, gamma


def uniforms(key: int, gamma: int, step: int, count: int) -> Array:
    """The first ``count`` numbers of a step, uniform in [0, 1) with 53 bits."""
    place = np.arange(count, dtype=np.uint64) + np.uint64((step << STEP_BITS) % 2**64)
    x = np.uint64(key) + place * np.uint64(gamma)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    bits: Array = (x ^ (x >> np.uint64(31))) >> np.uint64(11)
    return bits * 2.0**-53


def _digest(seed: int, path: str, purpose: str) -> Array:
    digest = hashlib.blake2b(f"{seed}/{path}/{purpose}".encode(), digest_size=16).digest()
    return np.frombuffer(digest, dtype="<u8")
