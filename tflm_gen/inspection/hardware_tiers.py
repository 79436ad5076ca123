"""Memory tiers and runtime classes of the field, as data.

The figures are those that deployment guides give (RAM left beside the firmware, overheads of the
runtimes); none was measured by this project. Where a runtime says otherwise, follow the runtime.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from tflm_gen.units import GB, KB, MB, format_bytes


class HardwareClass(StrEnum):
    """What the model would run on."""

    MICROCONTROLLER = "microcontroller"
    MOBILE_LINUX = "mobile, Linux"
    SERVER = "server CPU/GPU"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeClass:
    """The runtime that a class of hardware calls for.

    Attributes:
        hardware: The class.
        runtime: Its usual runtime.
        model_format: What that runtime loads.
        overhead_bytes: (least, most) RAM the runtime takes for itself.
        code_bytes: (least, most) flash for the runtime's code; None where code is in RAM.
        holds_model_in_ram: The file counts against RAM too (it is in flash on a microcontroller).
        examples: Hardware of that class.
    """

    hardware: HardwareClass
    runtime: str
    model_format: str
    overhead_bytes: tuple[int, int]
    code_bytes: tuple[int, int] | None
    holds_model_in_ram: bool
    examples: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryTier:
    """A range of RAM left beside the firmware, and who runs there.

    Attributes:
        name: As the guides name it.
        min_bytes: Lower end, included.
        max_bytes: Upper end, left out; None for the last tier.
        hardware: Class of hardware of that size.
        runtimes: Runtimes that fit there.
        note: What to expect.
    """

    name: str
    min_bytes: int
    max_bytes: int | None
    hardware: HardwareClass
    runtimes: str
    note: str


RUNTIME_CLASSES = (
    RuntimeClass(
        hardware=HardwareClass.MICROCONTROLLER,
        runtime="TFLM",
        model_format=".tflite, int8",
        overhead_bytes=(16 * KB, 20 * KB),
        code_bytes=(20 * KB, 50 * KB),
        holds_model_in_ram=False,
        examples="Cortex-M0+ to M55, ESP32 family, nRF52/53, RP2040/2350",
    ),
    RuntimeClass(
        hardware=HardwareClass.MOBILE_LINUX,
        runtime="LiteRT (TFLite)",
        model_format=".tflite",
        overhead_bytes=(2 * MB, 5 * MB),
        code_bytes=None,
        holds_model_in_ram=True,
        examples="phones, Linux single-board computers",
    ),
    RuntimeClass(
        hardware=HardwareClass.SERVER,
        runtime="ONNX Runtime; TensorRT on NVIDIA",
        model_format=".onnx; engines built from it",
        overhead_bytes=(10 * MB, 100 * MB),
        code_bytes=None,
        holds_model_in_ram=True,
        examples="workstations, servers, Jetson",
    ),
)

MEMORY_TIERS = (
    MemoryTier(
        name="< 64 KB",
        min_bytes=0,
        max_bytes=64 * KB,
        hardware=HardwareClass.MICROCONTROLLER,
        runtimes="TFLM",
        note="highly constrained; keyword spotting takes about 20 KB of arena",
    ),
    MemoryTier(
        name="64-256 KB",
        min_bytes=64 * KB,
        max_bytes=256 * KB,
        hardware=HardwareClass.MICROCONTROLLER,
        runtimes="TFLM",
        note="with careful sizing; person detection takes about 100 KB of arena",
    ),
    MemoryTier(
        name="256 KB-1 MB",
        min_bytes=256 * KB,
        max_bytes=MB,
        hardware=HardwareClass.MICROCONTROLLER,
        runtimes="TFLM",
        note="comfortable; LiteRT on Linux is marginal here",
    ),
    MemoryTier(
        name="1-64 MB",
        min_bytes=MB,
        max_bytes=64 * MB,
        hardware=HardwareClass.MOBILE_LINUX,
        runtimes="LiteRT, ONNX Runtime Mobile",
        note="small Linux boards",
    ),
    MemoryTier(
        name="64 MB-1 GB",
        min_bytes=64 * MB,
        max_bytes=GB,
        hardware=HardwareClass.MOBILE_LINUX,
        runtimes="LiteRT, ONNX Runtime, TensorRT",
        note="phones, Linux boards, Jetson",
    ),
    MemoryTier(
        name="> 1 GB",
        min_bytes=GB,
        max_bytes=None,
        hardware=HardwareClass.SERVER,
        runtimes="ONNX Runtime, TensorRT, any",
        note="workstations and servers",
    ),
)

# Models beyond this strain the flash of a Cortex-M4 or M7.
MCU_MODEL_LIMIT_BYTES = 500 * KB


def runtime_class(hardware: HardwareClass) -> RuntimeClass:
    """The runtime of a class of hardware."""
    return next(entry for entry in RUNTIME_CLASSES if entry.hardware == hardware)


def _reminders() -> tuple[str, ...]:
    tflm = runtime_class(HardwareClass.MICROCONTROLLER)
    assert tflm.code_bytes is not None
    code = " to ".join(format_bytes(size) for size in tflm.code_bytes)
    floor = " to ".join(format_bytes(size) for size in tflm.overhead_bytes)
    return (
        f"On a Cortex-M4 or M7, models up to about {format_bytes(MCU_MODEL_LIMIT_BYTES)} are usual.",
        f"TFLM needs {floor} of RAM before the first tensor, and {code} of flash for code.",
        "The arena also holds scratch buffers and TFLM's own structures: only a run proves its size.",
    )


# What a user should keep in mind when choosing hardware.
REMINDERS = _reminders()
