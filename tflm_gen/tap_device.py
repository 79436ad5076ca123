"""Builds and starts firmware for a tap model, in an emulator or on a board, and gone afterwards."""

from __future__ import annotations

import contextlib
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tflm_gen.errors import PortError
from tflm_gen.pipeline import BuildRequest, build_project
from tflm_gen.runner.flash import choose_flasher, firmware_image, flash_request
from tflm_gen.runner.launch import open_device
from tflm_gen.runner.select import select_device
from tflm_gen.runner.target import DeviceTarget, load_target

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tflm_gen.model.records import Model
    from tflm_gen.runner.flashers._flasher import FlashReport
    from tflm_gen.runner.select import DeviceChoice
    from tflm_gen.runner.session import DeviceSession

AUTO = "auto"
"""In place of a flash tool's name: the first that is installed."""
_PORT_BACK_S = 10.0
_PORT_POLL_S = 0.25


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
    with _built_tap(model, target) as tap:
        choice = select_device(tap, with_name=with_name)
        with open_device(choice, timeout_s=timeout_s) as session:
            yield session


@contextlib.contextmanager
def open_tap_board(
    model: Model, target: DeviceTarget, *, tool: str, port: str, timeout_s: float
) -> Iterator[DeviceSession]:
    """Firmware for the model, written into the board, which keeps it: put the project's back.

    Args:
        model: The tap model.
        target: The project whose firmware the board had.
        tool: Flash tool, or :data:`AUTO`.
        port: The board's serial port.
        timeout_s: As for :func:`tflm_gen.runner.launch.open_device`.

    Raises:
        BuildFailedError: If the tap firmware does not link.
        DoesNotFitError: If keeping every operator's results needs more memory than there is.
        FlashFailedError: If it cannot be written.
        PortError: If the board does not come back.
    """
    with _built_tap(model, target) as tap:
        write_firmware(tap, tool=tool, port=port)
        choice = select_device(tap, port=port)
        with contextlib.ExitStack() as stack:
            yield _enter_when_back(stack, choice, timeout_s)


def _enter_when_back(
    stack: contextlib.ExitStack, choice: DeviceChoice, timeout_s: float
) -> DeviceSession:
    """Open a board that has just been written: its USB port may take a moment to come back."""
    deadline = time.monotonic() + _PORT_BACK_S
    while True:
        try:
            return stack.enter_context(open_device(choice, timeout_s=timeout_s))
        except PortError:
            if time.monotonic() > deadline:
                raise
            time.sleep(_PORT_POLL_S)


def write_firmware(target: DeviceTarget, *, tool: str, port: str) -> FlashReport:
    """Write a project's firmware into its board.

    Args:
        target: The project.
        tool: Flash tool, or :data:`AUTO`.
        port: The board's serial port.

    Raises:
        MissingToolError: If no tool, or not that one, is installed.
        NoDeviceError: If no board was found.
        FlashFailedError: If nothing proves that it was written.
    """
    choice = choose_flasher(target, tool_name=None if tool == AUTO else tool)
    image = firmware_image(target, choice)
    # The port is how the board answers; few tools write over it too.
    over = port if choice.flasher.told_by == "port" else None
    request = flash_request(target, choice, image=image, port=over)
    return choice.flasher.flash(request)


@contextlib.contextmanager
def _built_tap(model: Model, target: DeviceTarget) -> Iterator[DeviceTarget]:
    """The project's firmware with another model, in a folder that goes away."""
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
            has_golden=False,  # Every operator's results would be constants in flash, too.
        )
        build_project(request)
        yield load_target(out)
