"""Refusing, before anything is allocated, what a machine cannot hold."""

from __future__ import annotations

import os

from bidl_sim.errors import StateError


def check_memory(where: str, needed: float, what: str, available: float | None = None) -> None:
    """`StateError` if ``what`` needs more bytes than there are, unless told, in this machine."""
    if available is None:
        available = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if needed > available:
        raise StateError(
            where,
            f"needs {needed / 1e9:,.0f} GB for {what}, the machine has {available / 1e9:,.0f} GB",
            "make it smaller",
        )
