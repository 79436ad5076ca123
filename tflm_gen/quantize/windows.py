"""Representative windows: from .npy/.npz/.csv files to arrays that match a model's inputs."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tflm_gen.errors import UsageError
from tflm_gen.project.read_file import require_regular

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

Windows = NDArray[np.float32]
_SUFFIXES = (".npy", ".npz", ".csv")
_MAX_BYTES = 512 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowSet:
    """Windows of every input.

    Attributes:
        arrays: Input name (or "" when the file names none) -> float32, shape (n_windows, ...).
        files: The files that were read, in order.
    """

    arrays: Mapping[str, Windows]
    files: tuple[Path, ...]

    @property
    def n_windows(self) -> int:
        """Number of windows (the same for every input)."""
        return len(next(iter(self.arrays.values())))


def load_windows(path: Path) -> WindowSet:
    """Read windows from one file, or from all .npy/.npz/.csv files of a folder.

    A .npy holds one array, first dimension windows; a .npz one array per model input, by input
    name; a .csv one window a row. A folder's files are joined in name order.

    Args:
        path: File or folder.

    Returns:
        float32 windows; every array has the same number of them.

    Raises:
        UsageError: Nothing to read, unreadable data, a NaN or infinity, or unequal lengths.
    """
    if path.is_dir():
        files = sorted(p for p in path.iterdir() if p.suffix in _SUFFIXES and not p.is_dir())
        if not files:
            raise UsageError(
                f"{path}: no .npy, .npz or .csv file in this folder",
                hint="Save windows with numpy.save: shape (n_windows, samples[, leads]).",
            )
    elif path.exists() and not path.is_dir() and path.suffix in _SUFFIXES:
        files = [path]
    else:
        what = "a file of another kind" if path.exists() else "not there"
        raise UsageError(
            f"{path}: representative data is {what}",
            hint="Give --data a .npy/.npz/.csv file, or a folder of them.",
        )
    return WindowSet(arrays=_joined([_load_file(f) for f in files], files), files=tuple(files))


def _load_file(path: Path) -> dict[str, Windows]:
    try:
        require_regular(path, limit=_MAX_BYTES)
        if path.suffix == ".csv":
            raw = {"": np.loadtxt(path, delimiter=",", dtype=np.float32, ndmin=2)}
        else:
            loaded = np.load(path, allow_pickle=False)
            raw = dict(loaded) if isinstance(loaded, np.lib.npyio.NpzFile) else {"": loaded}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise UsageError(
            f"{path}: not a readable {path.suffix} file ({str(error).splitlines()[0]})",
            hint="Save windows with numpy.save or numpy.savez, numbers only.",
        ) from error
    return {name: _checked(path, name, array) for name, array in raw.items()}


def _checked(path: Path, name: str, array: NDArray[np.generic]) -> Windows:
    where = f"{path}[{name}]" if name else str(path)
    if array.ndim == 0 or len(array) == 0 or not np.issubdtype(array.dtype, np.number):
        raise UsageError(
            f"{where}: holds {array.dtype} of shape {array.shape}, which is no list of windows",
            hint="Windows are numbers of shape (n_windows, samples[, leads]).",
        )
    if np.iscomplexobj(array):
        raise UsageError(f"{where}: holds complex numbers", hint="Windows are real numbers.")
    windows = np.asarray(array, dtype=np.float32)
    bad = ~np.isfinite(windows)
    if bad.any():
        first = int(np.argwhere(bad)[0][0])
        n_bad = len({int(i) for i in np.argwhere(bad)[:, 0]})
        raise UsageError(
            f"{where}: {n_bad} of {len(windows)} windows hold NaN or infinity (first: {first})",
            hint="Drop lead-off windows before calibrating; they would set the ranges.",
        )
    return windows


def _joined(parts: Sequence[Mapping[str, Windows]], files: Sequence[Path]) -> dict[str, Windows]:
    names = list(parts[0])
    for part, path in zip(parts, files, strict=True):
        if list(part) != names:
            raise UsageError(
                f"{path}: holds inputs {sorted(part)}, but {files[0]} holds {sorted(names)}",
                hint="Every file of the folder must hold the same inputs.",
            )
        for name in names:
            if part[name].shape[1:] != parts[0][name].shape[1:]:
                raise UsageError(
                    f"{path}: windows of shape {part[name].shape[1:]}, "
                    f"but {files[0]} has {parts[0][name].shape[1:]}",
                    hint="Cut all windows to one length and one number of leads.",
                )
    joined = {name: np.concatenate([part[name] for part in parts]) for name in names}
    lengths = {name: len(array) for name, array in joined.items()}
    if len(set(lengths.values())) != 1:
        raise UsageError(
            f"{files[0]}: inputs have different numbers of windows: {lengths}",
            hint="Row i of every array must belong to the same window.",
        )
    return joined


def match_inputs(
    windows: WindowSet, inputs: Mapping[str, tuple[int, ...]]
) -> dict[str, NDArray[np.float32]]:
    """Give each model input its windows, adding a trailing lead axis where only that is missing.

    Args:
        windows: As loaded.
        inputs: Input name -> shape without the batch dimension.

    Returns:
        Input name -> array of shape (n_windows, *input shape).

    Raises:
        UsageError: An input has no array, or the shapes do not agree.
    """
    if list(windows.arrays) == [""]:
        if len(inputs) != 1:
            raise UsageError(
                f"the model has {len(inputs)} inputs ({', '.join(inputs)}); "
                f"{windows.files[0]} holds one unnamed array",
                hint="Save one array per input name: numpy.savez(file, **{name: windows}).",
            )
        arrays: Mapping[str, Windows] = {next(iter(inputs)): windows.arrays[""]}
    else:
        arrays = windows.arrays
    missing = [name for name in inputs if name not in arrays]
    if missing:
        raise UsageError(
            f"no windows for input {missing[0]!r}; the data holds {sorted(arrays)}",
            hint=f"The model's inputs are: {', '.join(inputs)}.",
        )
    return {name: _fitted(name, arrays[name], shape) for name, shape in inputs.items()}


def _fitted(name: str, array: Windows, shape: tuple[int, ...]) -> Windows:
    if array.shape[1:] == shape:
        return array
    # (n, samples) for (samples, 1), or (n, samples, 1) for (samples,): same numbers, same order.
    if [d for d in array.shape[1:] if d != 1] == [d for d in shape if d != 1]:
        return array.reshape((len(array), *shape))
    raise UsageError(
        f"input {name!r} takes windows of shape {shape}; the data has {array.shape[1:]}",
        hint="Cut the windows to the model's length; order is (samples, leads).",
    )
