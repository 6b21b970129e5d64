"""What the machine has."""

from __future__ import annotations

from typing import ClassVar


class Loihi2:
    """The chip, which is not there; scripts ask before they use it."""

    preferred_partition: ClassVar[str] = ""
    partition: ClassVar[str] = ""
    is_loihi2_available: ClassVar[bool] = False
