"""Opens a chosen device and starts the conversation with it."""

from __future__ import annotations

import contextlib
import signal
import threading
from typing import TYPE_CHECKING

from tflm_gen.errors import ProtocolError
from tflm_gen.runner.session import DeviceSession, Limits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from tflm_gen.runner.records import BootReport
    from tflm_gen.runner.select import DeviceChoice
    from tflm_gen.runner.target import DeviceTarget
    from tflm_gen.wire import Line

_HELLO_AFTER_S = 1.0


@contextlib.contextmanager
def open_device(
    choice: DeviceChoice,
    *,
    timeout_s: float,
    on_line: Callable[[Line], None] | None = None,
) -> Iterator[DeviceSession]:
    """Start or open the device; the caller then connects.

    Whatever ends the block, also a signal, stops an emulator that was started for it.

    Args:
        choice: From :func:`tflm_gen.runner.select.select_device`.
        timeout_s: Limit of the start-up, and of every command (a benchmark: per inference).
        on_line: Called with every line as it arrives.
    """
    limits = Limits(
        boot_s=timeout_s,
        command_s=timeout_s,
        hello_after_s=_HELLO_AFTER_S if choice.is_real else None,
    )
    with _signals_as_interrupts(), choice.open() as link:
        yield DeviceSession(
            link.stream,
            source=link.title,
            clock=link.clock,
            limits=limits,
            explain=link.explain,
            on_line=on_line,
        )


def check_identity(report: BootReport, target: DeviceTarget) -> None:
    """Refuse a device that runs something else than the project.

    Raises:
        ProtocolError: If board, model or engine differ.
    """
    banner = report.banner
    expected = {
        "board": (target.board_id, banner.board),
        "engine": (target.engine, banner.engine),
        "model length": (str(len(target.model)), str(banner.model_bytes)),
        "model CRC-32": (f"{target.model_crc:08X}", f"{banner.model_crc:08X}"),
    }
    for what, (ours, theirs) in expected.items():
        if ours != theirs:
            raise ProtocolError(
                f"the device runs another firmware: {what} is {theirs}, the project's is {ours}",
                hint="Flash this project's firmware, or name the project that is on the board.",
            )


@contextlib.contextmanager
def _signals_as_interrupts() -> Iterator[None]:
    """SIGTERM and SIGHUP unwind like ctrl-C, so that no emulator is left behind."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(signum: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    for number in before:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
