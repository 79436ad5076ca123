"""What a starting device says, line by line, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tflm_gen.runner.records import ArenaNeed, BootReport
    from tflm_gen.wire import Line, Record


def line_text(line: Line) -> str | None:
    """One line of the device as it is shown; None for records that are summed up later."""
    stamp = f"[{line.elapsed_s:7.3f} s]"
    if line.record is not None:
        return f"{stamp} {_record_text(line.record)}"
    if line.problem is not None:
        return f"{stamp} damaged line ({line.problem}): {line.text}"
    return f"{stamp} {line.text}" if line.text.strip() else None


def _record_text(record: Record) -> str:
    fields = []
    for name, value in record.fields.items():
        if isinstance(value, bytes):
            fields.append(f"{name}={len(value)} bytes")
        elif isinstance(value, int):
            fields.append(f"{name}={_number(record.name, name, value)}")
        else:
            fields.append(f"{name}={_shortened(value)}")
    return f"{record.name.lower():9} {' '.join(fields)}".rstrip()


def _number(record: str, field: str, value: int) -> str:
    is_bits = field in ("model_crc", "scale") or (record == "FAULT" and field != "op")
    return f"0x{value:08x}" if is_bits else f"{value:,}"


def _shortened(text: str) -> str:
    return text if len(text) <= 48 else f"{text[:16]}..."


def verdict_text(report: BootReport) -> list[str]:
    """The result of the start-up."""
    lines = []
    if report.arena is not None:
        lines.append(
            f"arena:     {report.arena.reserved_bytes:,} bytes reserved, "
            f"{report.arena.used_bytes:,} used by the runtime's count, "
            f"{report.arena.touched_bytes:,} touched"
        )
    if report.need is not None:
        lines.append(f"need:      {need_text(report.need)}")
    if report.stack is not None:
        lines.append(
            f"stack:     {report.stack.used_bytes:,} of {report.stack.reserved_bytes:,} bytes used"
        )
    lines.append(f"self-test: {selftest_text(report)}")
    return lines


def need_text(need: ArenaNeed) -> str:
    """The smallest arena as the device found it."""
    if need.is_exact:
        return f"{need.high_bytes:,} bytes of arena, found at start-up ({need.n_trials} trials)"
    return (
        f"{need.low_bytes:,} to {need.high_bytes:,} bytes of arena; "
        "build --probe-arena finds the exact number"
    )


def selftest_text(report: BootReport) -> str:
    """The golden vector's verdict."""
    selftest = report.selftest
    if selftest is None:
        return "not run"
    if selftest.n_bytes == 0:
        return (
            "not compared: no golden vector in this firmware (it was built without an oracle), or "
            "one of another size than the outputs"
        )
    if selftest.is_equal:
        return f"passed: all {selftest.n_bytes} output bytes equal the reference's"
    if selftest.first_difference < 0:
        return "FAILED: the outputs differ from the reference's at a byte that was not named"
    return (
        f"FAILED: output byte {selftest.first_difference} of {selftest.n_bytes} differs "
        "from the reference's"
    )
