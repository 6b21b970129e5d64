"""manifest.json: what an exported folder holds, and whether it is still what was written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bidl_sim.errors import FormatError

FORMAT = "bidl_sim lynxi"
VERSION = 1
NAME = "manifest.json"
STEP, ONNX = "step.pt", "step.onnx"
PROGRAMS = ("compile_lyngor.py", "custom_operators.py", "run_lynsdk.py")
FILES = (STEP, ONNX, *PROGRAMS)
EVERY, LAST = "in every step", "after the last step"
"""When the values of an output count."""
MOST = 2**26
"""No manifest has more bytes."""


def sealed(said: Mapping[str, Any], files: Mapping[str, bytes]) -> bytes:
    """The manifest of files, with their checksums and one of its own."""
    listed = {n: {"bytes": len(b), "sha256": _sha256(b)} for n, b in files.items()}
    whole = {"format": FORMAT, "version": VERSION, **said, "files": listed}
    whole["checksum"] = _checksum(whole)
    return (json.dumps(whole, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


def check(folder: str | Path) -> dict[str, Any]:
    """The manifest of a folder that `export` wrote; refused if it does not match the files.

    Raises `FormatError`, which names the file.
    """
    folder = Path(folder)
    path = folder / NAME
    manifest = _parsed(path)
    if manifest.get("format") != FORMAT:
        raise FormatError(str(path), "is no manifest of an export for the Lynxi chip")
    if manifest.get("version") != VERSION:
        raise FormatError(
            str(path), f"has version {manifest.get('version')!r}, this is for {VERSION}"
        )
    if manifest.pop("checksum", None) != _checksum(manifest):
        raise FormatError(str(path), "was changed after it was written", "export the model again")
    if not _is_whole(manifest):
        raise FormatError(str(path), "does not describe a model", "export the model again")
    for name in FILES:
        listed = manifest["files"].get(name)
        if not (file := folder / name).is_file():
            raise FormatError(str(file), f"is missing; {NAME} lists it", "export the model again")
        if listed != {"bytes": file.stat().st_size, "sha256": _sha256(file.read_bytes())}:
            raise FormatError(
                str(file), f"is not the file that {NAME} lists", "export the model again"
            )
    return manifest


def _parsed(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise FormatError(
            str(path), "does not exist", "give the folder that `bidl export --target lynxi` wrote"
        )
    if path.stat().st_size > MOST:
        raise FormatError(str(path), f"is more than {MOST} bytes")
    try:
        found = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise FormatError(str(path), f"is no JSON: {error}") from None
    if not isinstance(found, dict):
        raise FormatError(str(path), "is no manifest of an export for the Lynxi chip")
    return found


def _is_whole(manifest: Mapping[str, Any]) -> bool:
    """Whether all is there that running the model needs."""
    kinds = {"files": dict, "inputs": list, "outputs": list, "batch": int}
    if not all(isinstance(manifest.get(name), kind) for name, kind in kinds.items()):
        return False
    names = {"inputs": ("name", "process"), "outputs": ("name", "counts")}
    return all(
        isinstance(x, dict)
        and all(isinstance(x.get(name), str) for name in names[place])
        and isinstance(x.get("shape"), list)
        and all(isinstance(n, int) and n > 0 for n in x["shape"])
        for place in names
        for x in manifest[place] or [None]
    )


def _checksum(manifest: Mapping[str, Any]) -> str:
    return _sha256(json.dumps(manifest, sort_keys=True).encode())


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
