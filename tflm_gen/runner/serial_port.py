"""Real boards: a serial port, a pseudo-terminal or a pyserial URL as a byte stream."""

from __future__ import annotations

import errno
import time
from typing import TYPE_CHECKING

from tflm_gen.errors import MissingToolError, PortError
from tflm_gen.runner.stream import StreamClosedError

if TYPE_CHECKING:
    import serial

_BAUD = 115_200


class SerialStream:
    """An open pyserial port."""

    def __init__(self, port: serial.SerialBase, name: str) -> None:
        self._port = port
        self._name = name

    def read(self, max_bytes: int, timeout_s: float) -> bytes:
        """See :class:`tflm_gen.runner.stream.ByteStream`."""
        import serial

        try:
            # One byte with the full wait, then what else is there: a large read would wait for
            # all of its bytes.
            self._port.timeout = max(0.0, timeout_s)
            first = bytes(self._port.read(1))
            if not first or max_bytes == 1:
                return first
            self._port.timeout = 0
            return first + bytes(self._port.read(max_bytes - 1))
        except (serial.SerialException, OSError) as error:
            raise StreamClosedError(f"{self._name}: {error}") from error

    def write(self, data: bytes, timeout_s: float) -> None:
        """See :class:`tflm_gen.runner.stream.ByteStream`."""
        import serial

        deadline = time.monotonic() + timeout_s
        try:
            self._port.write_timeout = max(0.001, deadline - time.monotonic())
            self._port.write(data)
        except serial.SerialTimeoutException as error:
            raise TimeoutError(f"{len(data)} bytes not taken") from error
        except (serial.SerialException, OSError) as error:
            raise StreamClosedError(f"{self._name}: {error}") from error

    def close(self) -> None:
        """See :class:`tflm_gen.runner.stream.ByteStream`."""
        self._port.close()


def open_serial(name: str, *, baud: int = _BAUD) -> SerialStream:
    """Open a port by device name (``/dev/ttyACM0``, ``COM3``) or pyserial URL (``socket://h:p``).

    Raises:
        PortError: If it is missing, in use, or not ours to open; the hint says which.
        MissingToolError: If pyserial is not installed.
    """
    try:
        import serial
    except ImportError as error:
        raise MissingToolError(
            "pyserial is not installed", hint="Run: pip install pyserial"
        ) from error
    try:
        # Exclusive: two programs that read one port each get half of the lines.
        exclusive = {} if "://" in name else {"exclusive": True}
        port = serial.serial_for_url(name, baudrate=baud, timeout=0, **exclusive)
    except (serial.SerialException, OSError, ValueError) as error:
        raise port_error(name, error) from error
    return SerialStream(port, name)


def port_error(name: str, error: Exception) -> PortError:
    """Why a port cannot be opened, with what to do about it."""
    number = getattr(error, "errno", None)
    text = " ".join(str(error).split())
    if number == errno.ENOENT:
        found = ", ".join(_present_ports()) or "none"
        return PortError(
            f"{name}: no such port (ports here: {found})",
            hint="Connect the board, or name one of the ports above with --port.",
        )
    if number == errno.EACCES:
        return PortError(
            f"{name}: permission denied",
            hint="Run: sudo usermod -aG dialout $USER, then log in again.",
        )
    if number in (errno.EBUSY, errno.EAGAIN) or "exclusively lock" in text:
        return PortError(
            f"{name}: in use by another program",
            hint=f"Close the serial monitor; this names it: fuser {name}",
        )
    return PortError(
        f"{name}: cannot be opened as a serial port: {text}",
        hint="Give a device (/dev/ttyACM0, COM3) or a pyserial URL (socket://host:port).",
    )


def _present_ports() -> list[str]:
    from serial.tools import list_ports

    return sorted(port.device for port in list_ports.comports())
