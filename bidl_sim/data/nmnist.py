"""N-MNIST: handwritten digits seen by an event camera, from the original binary files."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from bidl_sim.data.frames import Framing
from bidl_sim.data.recordings import Recordings
from bidl_sim.errors import DataError, MissingExtraError
from bidl_sim.typing import Array

SIZE = (34, 34)
SUFFIXES = (".bs2", ".bin")
LARGEST = 64 * 2**20
"""No recording has more bytes than this; a zip that claims so is refused, not unpacked."""
CLASSES = tuple("0123456789")


def read_events(data: bytes, where: str) -> Array:
    """Events of one recording: 5 bytes each, x, y, polarity (top bit) and 23 bits of microseconds.

    References
    ----------
    Orchard et al., Front. Neurosci. 9:437 (2015); decoded by tonic.
    """
    if len(data) % 5:
        raise DataError(where, f"must be 5 bytes an event, has {len(data)} bytes")
    try:
        from tonic.io import make_structured_array, read_mnist_file
    except ImportError:
        raise MissingExtraError("reading N-MNIST", "tonic", "data") from None
    dtype = make_structured_array([0], [0], [0], [0]).dtype
    events: Array = read_mnist_file(io.BytesIO(data), dtype, is_stream=True)
    return events


def load(path: str | Path, split: str, framing: Framing) -> Recordings:
    """Recordings of one split of a folder or zip.

    The list ``<split>.txt`` names them, a header line and then ``id label`` on each line; the
    files are ``<id>.bs2`` or ``<id>.bin`` beside it, or the only ones of that name elsewhere.
    Without a list, the layout of the original archive is read, ``Train/<label>/*.bin`` and
    ``Test/<label>/*.bin``. A folder may hold its files zipped, a zip may hold them in a folder.

    Raises `DataError` naming the file and the line.
    """
    source = _Source(Path(path))
    listed = _listed(source, split) or _foldered(source, split)
    if not listed:
        raise DataError(
            str(path), f"holds neither {split}.txt nor a folder {split.capitalize()}/<label>"
        )
    frames = [framing(read_events(source.read(n), n), SIZE, n) for n, _ in listed]
    if len({f.shape for f in frames}) > 1:
        raise DataError(
            str(path), "recordings differ in length", "give the framing a number of bins"
        )
    labels = np.array([label for _, label in listed], np.int64)
    return Recordings(np.stack(frames), labels, CLASSES)


class _Source:
    """The files of a folder or a zip, by name."""

    def __init__(self, path: Path) -> None:
        self.path = path
        if path.is_dir():
            names = {str(p.relative_to(path)): p.read_bytes for p in path.rglob("*") if p.is_file()}
            self.files: dict[str, Callable[[], bytes]] = dict(sorted(names.items()))
            for archive in sorted(path.glob("*.zip")):
                self.files = {**_zipped(archive), **self.files}
        elif zipfile.is_zipfile(path):
            self.files = _zipped(path)
        else:
            raise DataError(
                str(path), "must be a folder or a zip" if path.exists() else "not found"
            )

    def read(self, name: str) -> bytes:
        try:
            return self.files[name]()
        except (OSError, zipfile.BadZipFile, ValueError) as error:
            raise DataError(f"{self.path}, {name}", f"cannot be read: {error}") from None


def _zipped(path: Path) -> dict[str, Callable[[], bytes]]:
    archive = zipfile.ZipFile(path)

    def reader(name: str) -> Callable[[], bytes]:
        return lambda: _checked_read(archive, name)

    return {name: reader(name) for name in sorted(archive.namelist()) if not name.endswith("/")}


def _checked_read(archive: zipfile.ZipFile, name: str) -> bytes:
    if archive.getinfo(name).file_size > LARGEST:
        raise ValueError(f"unpacks to more than {LARGEST} bytes")
    return archive.read(name)


def _listed(source: _Source, split: str) -> list[tuple[str, int]]:
    """Names and labels from ``<split>.txt``, the one nearest to the top."""
    lists = [n for n in source.files if Path(n).name == f"{split}.txt"]
    if not lists:
        return []
    list_name = min(lists, key=lambda n: n.count("/"))
    folder = list_name.removesuffix(f"{split}.txt")
    places: dict[str, list[str]] = {}
    for name in source.files:
        places.setdefault(Path(name).name, []).append(name)
    found = []
    lines = source.read(list_name).decode(errors="replace").splitlines()
    for number, line in enumerate(lines, 1):
        words = line.split()
        if not words or line.startswith("#"):
            continue
        where = f"{source.path}, {list_name}, line {number}"
        if len(words) != 2 or words[1] not in CLASSES:
            raise DataError(where, f"must be an id and a label 0 to 9, got {line!r}")
        recording = _recording(words[0], folder, places)
        if recording is None:
            raise DataError(where, f"there is no recording {words[0]}{SUFFIXES[0]}")
        found.append((recording, int(words[1])))
    if not found:
        raise DataError(f"{source.path}, {list_name}", "names no recordings")
    return found


def _recording(number: str, folder: str, places: dict[str, list[str]]) -> str | None:
    """The file of a recording: beside its list, or the only one of its name anywhere."""
    for file in (f"{number}{suffix}" for suffix in SUFFIXES):
        found = places.get(file, [])
        if f"{folder}{file}" in found:
            return f"{folder}{file}"
        if len(found) == 1:
            return found[0]
    return None


def _foldered(source: _Source, split: str) -> list[tuple[str, int]]:
    """Names and labels from ``Train/<label>/<id>.bin``."""
    found = []
    for name in source.files:
        parts = Path(name).parts
        if len(parts) == 3 and parts[0] == split.capitalize() and name.endswith(SUFFIXES):
            if parts[1] not in CLASSES:
                raise DataError(f"{source.path}, {name}", "its folder must be a label 0 to 9")
            found.append((name, int(parts[1])))
    return found
