"""Other libraries' files: what theirs mean, and what their readers take.

A library is a file here and a line in the tables.
"""

from __future__ import annotations

from collections.abc import Mapping

from bidl_sim.errors import ParameterError
from bidl_sim.netx.nir.libraries import norse, sinabs, snntorch, spikingjelly
from bidl_sim.netx.nir.libraries.source import Source
from bidl_sim.netx.nir.libraries.target import Target

SOURCES: Mapping[str, Source] = {
    "norse": norse.SOURCE,
    "sinabs": sinabs.SOURCE,
    "snntorch": snntorch.SOURCE,
    "spikingjelly": spikingjelly.SOURCE,
}
TARGETS: Mapping[str, Target] = {
    "norse": norse.TARGET,
    "sinabs": sinabs.TARGET,
    "snntorch": snntorch.TARGET,
    "spikingjelly": spikingjelly.TARGET,
}
ELSEWHERE = {
    "lava": "Lava reads lava-dl's files: netx.save(net, path, format='lava-dl')",
    "lava-dl": "it reads its own files: netx.save(net, path, format='lava-dl')",
}
"""Libraries for which there is another way."""


def target_of(name: str) -> Target:
    """Which library is meant."""
    if name not in TARGETS:
        raise ParameterError(
            "netx.save, target",
            f"must be one of {', '.join(TARGETS)}, got {name!r}",
            ELSEWHERE.get(name, ""),
        )
    return TARGETS[name]
