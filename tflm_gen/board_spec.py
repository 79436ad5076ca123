"""What a board file may say: the records behind ``boards/<id>.toml`` and their cross-checks."""

from __future__ import annotations

import itertools
import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

Tier = Literal["ran in emulator", "linked", "generated only"]
Holding = Literal["code", "model", "data", "stack", "arena", "runtime"]
TflmSourceId = Literal["corstone300_image", "esp_tflite_micro", "upstream", "wheel"]

_ADDRESS_LIMIT = 2**32


def _one_line(text: str) -> str:
    if not text or text != text.strip() or "\n" in text:
        raise ValueError("must be one line of text, not empty, without blanks at its ends")
    return text


def _identifier(text: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", text):
        raise ValueError("must be lower case letters, digits and _")
    return text


Text = Annotated[str, AfterValidator(_one_line)]
Identifier = Annotated[str, AfterValidator(_identifier)]
Positive = Annotated[int, Field(gt=0)]


class _Record(BaseModel):
    """Base: immutable, exact types, and no key that the record does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Cpu(_Record):
    """The core that runs the firmware.

    Attributes:
        core: GCC's name of the core (with an f for a Cortex-M4 with FPU), the chip where its own
            build system knows the compiler, or "host".
        clock_hz: Core clock after our start-up code; absent where there is none to know.
        cycle_counter: "dwt", "cpu" for the core's own, or "none", which makes firmware use the port's timer.
    """

    core: Literal["cortex-m4f", "cortex-m55", "esp32c3", "esp32s3", "host"]
    clock_hz: Positive | None = None
    cycle_counter: Literal["dwt", "cpu", "none"]


class MemoryRegion(_Record):
    """One stretch of memory and what our firmware puts there.

    Attributes:
        name: The linker's name of the region.
        kind: flash keeps its contents without power.
        origin: First address.
        size_bytes: Length.
        reserved_bytes: Bytes of it that somebody else keeps (a prebuilt image).
        holds: What our firmware places there; empty if nothing.
    """

    name: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$")]
    kind: Literal["flash", "ram"]
    origin: Annotated[int, Field(ge=0, lt=_ADDRESS_LIMIT)]
    size_bytes: Positive
    reserved_bytes: Annotated[int, Field(ge=0)] = 0
    holds: tuple[Holding, ...]

    @property
    def free_bytes(self) -> int:
        """Bytes that our firmware may use."""
        return self.size_bytes - self.reserved_bytes

    @model_validator(mode="after")
    def _lies_in_address_space(self) -> MemoryRegion:
        if self.origin + self.size_bytes > _ADDRESS_LIMIT:
            raise ValueError(f"{self.name} ends past the 32-bit address space")
        if self.reserved_bytes > self.size_bytes:
            raise ValueError(f"reserved_bytes of {self.name} is more than size_bytes")
        return self


class Console(_Record):
    """The serial line of the wire protocol.

    Attributes:
        driver: The peripheral, by the port's name for it.
        baud: Line speed; absent where there is no line.
        tx_pin: Pin that sends, numbered as the port counts them (P1.00 of an nRF52840 is 32).
        rx_pin: Pin that receives.
    """

    driver: Identifier
    baud: Positive | None = None
    tx_pin: Annotated[int, Field(ge=0)] | None = None
    rx_pin: Annotated[int, Field(ge=0)] | None = None


class FlashTool(_Record):
    """One program that writes the firmware into the board.

    Attributes:
        tool: Module of ``tflm_gen.runner.flashers``.
        target: The board in the tool's own words: pyOCD's target, OpenOCD's board file, nrfjprog's
            family, J-Link's device, esptool's chip, UF2's family id, PlatformIO's environment.
    """

    tool: Literal["esptool", "jlink", "nrfjprog", "openocd", "pio", "pyocd", "uf2"]
    target: Text


class QemuMachine(_Record):
    """QEMU's model of the board.

    Attributes:
        machine: QEMU's machine name.
        icount_shift: One instruction takes 2**icount_shift ns of virtual time.
        twin_family: Port of a machine that stands in for a board QEMU does not have: same core,
            same memory addresses, another console.
    """

    machine: Text
    icount_shift: Annotated[int, Field(ge=0, le=10)]
    twin_family: Identifier | None = None


class RenodePlatform(_Record):
    """Renode's model of the board.

    Attributes:
        platform: File name of the platform description in ``renode/``.
        uart: The console, by Renode's name.
        mips: Instructions per microsecond of virtual time, as in the platform description.
        has_clock: False: no clock of the firmware runs there, so bytes can be compared and nothing
            can be measured; such a machine is used only if asked for.
    """

    platform: Text
    uart: Text
    mips: Positive
    has_clock: bool = True


class Emulators(_Record):
    """The emulators that know the board."""

    qemu: QemuMachine | None = None
    renode: RenodePlatform | None = None


class TflmSupport(_Record):
    """Which TFLM sources can be linked for the board, the preferred one first."""

    sources: Annotated[tuple[TflmSourceId, ...], Field(min_length=1)]


class PlatformioSupport(_Record):
    """The board in PlatformIO's registry.

    Attributes:
        platform: Development platform with its version.
        board: PlatformIO's id of the board.
        packages: Packages whose versions are fixed, for a compiler that knows C++17.
    """

    platform: Annotated[str, Field(pattern=r"^[a-z0-9]+@[0-9.]+$")]
    board: Identifier
    packages: tuple[Text, ...] = ()


class EspIdfSupport(_Record):
    """What ESP-IDF must be told of the board.

    Attributes:
        chip: Its target name of the chip.
        flash_bytes: The kit's flash chip.
    """

    chip: Identifier
    flash_bytes: Positive


class NpuSupport(_Record):
    """The Ethos-U beside the core.

    Attributes:
        configurations: Names of the NPUs that the board has or can be had with.
        dram_origin: Where the arena lies for models that leave SRAM to the NPU.
        dram_bytes: Bytes there for it.
    """

    configurations: Annotated[tuple[Text, ...], Field(min_length=1)]
    dram_origin: Annotated[int, Field(ge=0, lt=_ADDRESS_LIMIT)]
    dram_bytes: Positive


class Firmware(_Record):
    """Choices of our firmware for the board.

    Attributes:
        stack_bytes: Stack of the application; a multiple of 16.
        optimize: GCC's optimisation switch for our own code.
    """

    stack_bytes: Annotated[int, Field(gt=0, multiple_of=16)]
    optimize: Literal["-O2", "-Os", "-O3"]


class BoardSpec(_Record):
    """One board, as its file says it.

    Attributes:
        schema_version: Version of this record.
        name: Name for reports.
        family: Folder of the port in ``firmware_templates/port/``.
        tier: How far the project itself has tried the board.
        source: The files in which the facts were read: package or repository, path, revision.
    """

    schema_version: Literal[1]
    name: Text
    family: Identifier
    tier: Tier
    source: Annotated[tuple[Text, ...], Field(min_length=1)]
    cpu: Cpu
    memory: tuple[MemoryRegion, ...] = ()
    console: Console
    firmware: Firmware
    tflm: TflmSupport
    npu: NpuSupport | None = None
    platformio: PlatformioSupport | None = None
    esp_idf: EspIdfSupport | None = None
    flash: tuple[FlashTool, ...] = ()
    emulator: Emulators = Emulators()

    @property
    def is_host(self) -> bool:
        """The firmware runs as a program of this machine, without memory limits of its own."""
        return self.cpu.core == "host"

    def region_for(self, holding: Holding) -> MemoryRegion | None:
        """The region that holds something, or None on the host."""
        return next((region for region in self.memory if holding in region.holds), None)

    @model_validator(mode="after")
    def _regions_are_complete(self) -> BoardSpec:
        if self.is_host:
            if self.memory:
                raise ValueError("a host board has no memory regions")
            return self
        for holding in ("code", "model", "data", "stack", "arena"):
            holders = [region.name for region in self.memory if holding in region.holds]
            if len(holders) != 1:
                found = " and ".join(holders) or "no region"
                raise ValueError(f"exactly one memory region must hold {holding!r}, not {found}")
        self._check_overlaps()
        return self

    def _check_overlaps(self) -> None:
        names = [region.name for region in self.memory]
        if len(set(names)) != len(names):
            raise ValueError("two memory regions have the same name")
        ordered = sorted(self.memory, key=lambda region: region.origin)
        for low, high in itertools.pairwise(ordered):
            if low.origin + low.size_bytes > high.origin:
                raise ValueError(f"memory regions {low.name} and {high.name} overlap")
