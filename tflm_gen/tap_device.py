"""Builds and starts firmware for a tap model, next to the project and gone afterwards."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tflm_gen.pipeline import BuildRequest, build_project
from tflm_gen.runner.launch import open_device
from tflm_gen.runner.select import select_device
from tflm_gen.runner.target import DeviceTarget, load_target

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tflm_gen.model.records import Model
    from tflm_gen.runner.session import DeviceSession


@contextlib.contextmanager
def open_tap_device(
    model: Model, target: DeviceTarget, *, with_name: str, timeout_s: float
) -> Iterator[DeviceSession]:
    """Firmware for the model, otherwise as the project's, in an emulator.

    Args:
        model: The tap model.
        target: The project whose board, engine and kernels to use.
        with_name: The emulator.
        timeout_s: As for :func:`tflm_gen.runner.launch.open_device`.

    Raises:
        BuildFailedError: If the tap firmware does not link.
        DoesNotFitError: If keeping every operator's results needs more memory than there is.
    """
    with tempfile.TemporaryDirectory(prefix="tflm-gen-tap-") as folder:
        out = Path(folder) / "tap"
        request = BuildRequest(
            model=model,
            board_id=target.board_id,
            out=out,
            engine=target.engine,
            kernels=target.kernels,
            arena_mode="largest",
            is_cleaned=False,
        )
        build_project(request)
        choice = select_device(load_target(out), with_name=with_name)
        with open_device(choice, timeout_s=timeout_s) as session:
            yield session
