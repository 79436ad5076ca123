"""What the ticks of a device mean."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

INSTRUCTIONS = "emulated_instructions"
CYCLES = "measured_cycles"
HOST_CLOCK = "host_wall_clock"

_NS_PER_S = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceClock:
    """Turns ticks into the unit of a basis.

    Attributes:
        basis: One of the project's bases for numbers.
        units_per_s: Units in a second of the device's time: instructions that an emulator runs in
            a second of its virtual time, or a board's CPU clock; None: one unit is one tick.
    """

    basis: str
    units_per_s: Fraction | None = None

    @property
    def unit(self) -> str:
        """Name of the unit that :meth:`convert` gives."""
        return {INSTRUCTIONS: "instructions", CYCLES: "cycles", HOST_CLOCK: "ns"}[self.basis]

    def convert(self, ticks: int, tick_hz: int) -> int:
        """Ticks of a counter as whole units, rounded to the nearest.

        Where a unit takes at least two ticks, the count is exact: reading the counter twice cuts
        off less than one tick.
        """
        if self.units_per_s is None:
            return ticks
        return int(self.units_per_s * ticks / tick_hz + Fraction(1, 2))


def icount_clock(shift: int) -> DeviceClock:
    """QEMU's clock, where one instruction takes 2**shift ns."""
    return DeviceClock(basis=INSTRUCTIONS, units_per_s=Fraction(_NS_PER_S, 1 << shift))


def mips_clock(instructions_per_us: int) -> DeviceClock:
    """An emulator whose virtual microsecond is a fixed number of instructions."""
    return DeviceClock(basis=INSTRUCTIONS, units_per_s=Fraction(1_000_000 * instructions_per_us))


def board_clock(cpu_hz: int | None) -> DeviceClock:
    """A board's CPU cycles; where the CPU clock is unknown, ticks are taken for cycles."""
    return DeviceClock(basis=CYCLES, units_per_s=None if cpu_hz is None else Fraction(cpu_hz))


def host_clock() -> DeviceClock:
    """This machine's clock, in nanoseconds."""
    return DeviceClock(basis=HOST_CLOCK, units_per_s=Fraction(_NS_PER_S))
