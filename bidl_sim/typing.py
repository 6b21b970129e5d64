"""Names for the kinds of values that travel through the library."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Shape: TypeAlias = tuple[int, ...]
"""Axes of one value without batch and time: ``(channel, height, width)`` or ``(neuron,)``."""

Array: TypeAlias = NDArray[Any]
"""A numpy array of numbers."""

FloatArray: TypeAlias = NDArray[np.floating[Any]]

Value: TypeAlias = Any
"""One number inside a step function: whatever the engine computes with, elementwise."""
