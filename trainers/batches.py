"""From whatever holds training data to batches ``(inputs, targets)``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, StackDataset

from bidl_sim.errors import DataError


class Batches:
    """Data in batches, in a new order each epoch if ``shuffle``.

    Parameters
    ----------
    where
        Name of the data in messages.
    data
        A pair of arrays (inputs, targets), each of which may also be a mapping from names to
        arrays, for several inputs or outputs; anything with ``len`` and items ``(input, target)``,
        such as `Recordings` or a torch data set; or a `torch.utils.data.DataLoader`, which keeps
        its own batch size and order.
    """

    def __init__(self, where: str, data: Any, batch_size: int, shuffle: bool) -> None:
        self.where = where
        if isinstance(data, DataLoader):
            self._loader: Any = data
            self.samples = len(data.dataset)  # type: ignore[arg-type]  # sized, or this raises
            return
        if isinstance(data, tuple) and len(data) == 2:
            inputs, targets = (_arrays(where, part) for part in data)
            if len(inputs) != len(targets):
                raise DataError(where, f"has {len(inputs)} inputs and {len(targets)} targets")
            data = StackDataset(inputs, targets)
        if not (hasattr(data, "__len__") and hasattr(data, "__getitem__")):
            raise DataError(
                where,
                f"cannot be used: {type(data).__name__}",
                "give (inputs, targets), a data set with len and items, or a DataLoader",
            )
        self.samples = len(data)
        if not self.samples:
            raise DataError(where, "holds no samples")
        self._loader = DataLoader(data, batch_size, shuffle=shuffle)

    def __len__(self) -> int:
        return len(self._loader)

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        for item in self._loader:
            if not isinstance(item, (tuple, list)) or len(item) != 2:
                raise DataError(self.where, "an item must be a pair (input, target)")
            yield item[0], item[1]


def _arrays(where: str, part: Any) -> Any:
    """A tensor, or tensors by name, each with one entry for every sample."""
    if not isinstance(part, Mapping):
        return torch.as_tensor(np.asarray(part))
    tensors: dict[str, Any] = {name: torch.as_tensor(np.asarray(v)) for name, v in part.items()}
    if len({len(values) for values in tensors.values()}) != 1:
        sizes = ", ".join(f"{name} {len(values)}" for name, values in tensors.items()) or "nothing"
        raise DataError(where, f"must have equally many of each, got {sizes}")
    return StackDataset(**tensors)
