"""Arrays in the cache folder, by the hash of everything they follow from.

A run that was stopped finds what it had finished; a cache that cannot be used is never an error.
"""

from __future__ import annotations

import hashlib
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np

from tflm_gen import __version__, resources
from tflm_gen.toolchain.disk_cache import store_file

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Arrays = Mapping[str, NDArray[Any]]

_KEY = "tflm_gen_key"


def key_of(*parts: bytes | str) -> str:
    """Name of a result: a hash over what it follows from and this tool's version."""
    digest = hashlib.sha256(__version__.encode())
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.hexdigest()


def arrays_digest(arrays: Arrays) -> str:
    """Hash of arrays with their names, types and shapes."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name}\0{array.dtype.str}\0{array.shape}\0".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def load_arrays(folder: str, key: str) -> dict[str, NDArray[Any]] | None:
    """A stored result, or None if there is none that can be read."""
    path = resources.cache_dir() / folder / f"{key}.npz"
    try:
        with np.load(path, allow_pickle=False) as stored:
            # Reading a member compares its check sum.
            found = {name: stored[name] for name in stored.files}
            # A file under another's name is as wrong as a damaged one.
            if str(found.pop(_KEY)) != key:
                return None
            return found
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile):
        return None


def store_arrays(folder: str, key: str, arrays: Arrays) -> None:
    """Keep a result; readers never see half of it."""
    content = {**arrays, _KEY: np.array(key)}
    store_file(folder, f"{key}.npz", lambda file: np.savez(file, allow_pickle=False, **content))
