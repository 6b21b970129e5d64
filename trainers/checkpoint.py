"""Where a training stands, in one npz file; nothing is ever pickled."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bidl_sim.errors import FormatError
from bidl_sim.typing import Array

VERSION = 1


def save(path: str | Path, content: dict[str, Any]) -> None:
    """Write nested dicts and lists of tensors, numbers and strings, then replace the old file."""
    arrays: dict[str, Array] = {}
    text = json.dumps({"version": VERSION, "content": _to_json(content, arrays)})
    temporary = Path(f"{path}.tmp")
    with temporary.open("wb") as file:
        np.savez(file, json=np.frombuffer(text.encode(), np.uint8), **arrays)  # type: ignore[arg-type]  # numpy types its kwargs as bool
    os.replace(temporary, path)


def load(path: str | Path) -> dict[str, Any]:
    """Read what `save` wrote; `FormatError` for anything else."""
    try:
        with Path(path).open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            data = json.loads(file["json"].tobytes())
            if data["version"] != VERSION:
                raise FormatError(
                    f"{path}, version", f"is {data['version']}, this is made for {VERSION}"
                )
            content: dict[str, Any] = _from_json(data["content"], file)
    except FormatError:
        raise
    except Exception as error:  # numpy and zipfile raise many kinds for a damaged file
        raise FormatError(str(path), f"is no checkpoint of bidl_sim: {error}") from None
    return content


def _to_json(value: Any, arrays: dict[str, Array]) -> Any:
    """Tensors become names of arrays; dicts become lists of pairs, so that keys keep their type."""
    if isinstance(value, Tensor):
        name = f"tensor{len(arrays)}"
        arrays[name] = value.detach().cpu().numpy()
        return {"tensor": name}
    if isinstance(value, dict):
        return {"dict": [[key, _to_json(item, arrays)] for key, item in value.items()]}
    if isinstance(value, (list, tuple)):
        return [_to_json(item, arrays) for item in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"a checkpoint cannot hold {type(value).__name__}")


def _from_json(value: Any, arrays: Any) -> Any:
    if isinstance(value, list):
        return [_from_json(item, arrays) for item in value]
    if isinstance(value, dict):
        if "tensor" in value:
            return torch.from_numpy(arrays[value["tensor"]])
        return {key: _from_json(item, arrays) for key, item in value["dict"]}
    return value
