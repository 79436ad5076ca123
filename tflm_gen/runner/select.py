"""Chooses where firmware runs: a real board, or the first emulator that can."""

from __future__ import annotations

from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tflm_gen.errors import TflmGenError, UnsupportedChoiceError, UsageError
from tflm_gen.runner.clock import CYCLES, board_clock
from tflm_gen.runner.emulators import Emulator, discover
from tflm_gen.runner.link import DeviceLink
from tflm_gen.tflm.source_facts import NPU_KERNELS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tflm_gen.runner.clock import DeviceClock
    from tflm_gen.runner.target import DeviceTarget

PREFERENCE = ("renode", "qemu", "host")
"""Emulators in the order in which they are tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceChoice:
    """Where firmware will run.

    Attributes:
        name: "port", or the emulator's name.
        reason: Why this one, for the line that is printed.
        timing_basis: What its ticks mean.
        is_real: A board, not an emulator.
        open: Opens it; closed on leaving the context.
    """

    name: str
    reason: str
    timing_basis: str
    is_real: bool
    open: Callable[[], AbstractContextManager[DeviceLink]]


def select_device(
    target: DeviceTarget,
    *,
    port: str | None = None,
    with_name: str | None = None,
    emulators: Mapping[str, Emulator] | None = None,
) -> DeviceChoice:
    """Choose by the options given, else the first emulator that can run the board.

    Args:
        target: The project.
        port: A serial port or pyserial URL: a real board.
        with_name: An emulator's name.
        emulators: What there is; found by :func:`discover` by default.

    Raises:
        UsageError: If both are given, or the emulator is unknown.
        UnsupportedChoiceError: If nothing can run the board, or not the emulator asked for.
        MissingToolError: If the emulator that could is not installed.
    """
    known = discover() if emulators is None else emulators
    if target.kernels == NPU_KERNELS and port is None:
        raise UnsupportedChoiceError(
            f"{target.model_name} is compiled for an Ethos-U, which no emulator here has",
            hint="Run on the board with --port PORT, or build the same model for the CPU: "
            f"tflm-gen build MODEL --board {target.board_id} --kernels cmsis-nn",
        )
    if port is not None:
        if with_name is not None:
            raise UsageError(
                "--port and --with exclude each other",
                hint="--port is a real board; --with names an emulator.",
            )
        return DeviceChoice(
            name="port",
            reason=f"--port {port}",
            timing_basis=CYCLES,
            is_real=True,
            open=lambda: open_port(port, board_clock(target.board.cpu.clock_hz)),
        )
    if with_name is not None:
        if with_name not in known:
            raise UsageError(
                f"no emulator {with_name!r}; there are: {', '.join(sorted(known))}",
                hint="Leave --with out to let the tool choose.",
            )
        obstacle = known[with_name].obstacle(target)
        if obstacle is not None:
            raise obstacle
        return _emulator_choice(known[with_name], target, f"--with {with_name}")
    return _first_able(target, known)


def _first_able(target: DeviceTarget, known: Mapping[str, Emulator]) -> DeviceChoice:
    described = [
        known[name] for name in PREFERENCE if name in known and known[name].is_described_for(target)
    ]
    if not described:
        raise UnsupportedChoiceError(
            f"no emulator knows the board {target.board_id}",
            hint="Connect the board and name its port: --port PORT",
        )
    obstacles: list[tuple[str, TflmGenError]] = []
    for emulator in described:
        obstacle = emulator.obstacle(target)
        if obstacle is None:
            passed = "; ".join(f"not {name}: {why.message}" for name, why in obstacles)
            return _emulator_choice(emulator, target, passed or f"runs {target.board_id}")
        obstacles.append((emulator.name, obstacle))
    raise obstacles[-1][1]


def _emulator_choice(emulator: Emulator, target: DeviceTarget, reason: str) -> DeviceChoice:
    return DeviceChoice(
        name=emulator.name,
        reason=reason,
        timing_basis=emulator.timing_basis,
        is_real=False,
        open=lambda: emulator.open(target),
    )


@contextmanager
def open_port(name: str, clock: DeviceClock) -> Iterator[DeviceLink]:
    """Open a real board's serial port.

    Args:
        name: Device name or pyserial URL.
        clock: What the board's ticks mean.

    Raises:
        PortError: If it cannot be opened.
    """
    from tflm_gen.runner.serial_port import open_serial

    stream = open_serial(name)
    try:
        yield DeviceLink(stream=stream, title=name, clock=clock)
    finally:
        stream.close()
