"""The host twin: firmware built for this machine, its serial line on standard streams."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from tflm_gen.errors import TflmGenError, UnsupportedChoiceError
from tflm_gen.runner.clock import HOST_CLOCK, host_clock
from tflm_gen.runner.emulators._emulator import Emulator
from tflm_gen.runner.faults import describe_program_end
from tflm_gen.runner.link import DeviceLink, run_with_socket

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tflm_gen.runner.target import DeviceTarget


def _obstacle(target: DeviceTarget) -> TflmGenError | None:
    if target.board.is_host:
        return None
    return UnsupportedChoiceError(
        f"this project was built for {target.board_id}, not for the host",
        hint="Build a twin of it: tflm-gen build MODEL --board host",
    )


@contextlib.contextmanager
def open_host(target: DeviceTarget) -> Iterator[DeviceLink]:
    """Start the project's program."""
    with run_with_socket(lambda _: (str(target.elf_path),), on_standard_streams=True) as program:
        yield DeviceLink(
            stream=program.stream,
            title="host program",
            clock=host_clock(),
            explain=lambda: describe_program_end(*program.end()),
        )


EMULATOR = Emulator(
    name="host",
    timing_basis=HOST_CLOCK,
    is_described_for=lambda target: target.board.is_host,
    obstacle=_obstacle,
    open=open_host,
)
