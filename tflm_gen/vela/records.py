"""What Vela was asked and what it estimated."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class NpuConfig:
    """One Ethos-U configuration with the memory system Vela assumes around it.

    Attributes:
        accelerator: Vela's name, "ethos-u55-128".
        system_config: Section of the ``Arm/vela.ini`` that Vela ships.
        memory_mode: "Sram_Only", "Shared_Sram" or "Dedicated_Sram".
        arena_region: Where the tensor arena must lie for that mode: "sram" or "dram".
        fast_memory_bytes: SRAM that the NPU works in if the arena is elsewhere; Vela plans with
            the arena_cache_size of the memory mode.
    """

    accelerator: str
    system_config: str
    memory_mode: str
    arena_region: str
    fast_memory_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VelaEstimate:
    """Vela's own figures; its model of the hardware, not a measurement.

    Attributes:
        cycles_total: NPU-side cycles per inference, memory stalls included.
        cycles_npu: Cycles of the NPU's compute alone.
        clock_hz: Clock that Vela's system configuration assumes.
        sram_bytes: SRAM for feature maps and cached weights.
        off_sram_bytes: What lies outside SRAM (flash or DRAM).
        macs: Multiply-accumulates on the NPU.
        basis: Always "vela_estimate".
    """

    cycles_total: int
    cycles_npu: int
    clock_hz: float
    sram_bytes: int
    off_sram_bytes: int
    macs: int
    basis: str = "vela_estimate"


@dataclass(frozen=True, slots=True, kw_only=True)
class CpuOperator:
    """An operator of the original model that Vela left to the CPU.

    Attributes:
        op: TFLite name.
        name: Name of its first output tensor.
    """

    op: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VelaResult:
    """A compiled model and what is known about it.

    Attributes:
        config: As asked.
        model: The .tflite with ``ethos-u`` operators.
        estimate: Vela's figures.
        n_original_operators: Operators before compilation, in TFLite's counting.
        cpu_operators: Those that stay on the CPU.
        n_npu_blocks: ``ethos-u`` operators in the result.
        version: Vela's version.
    """

    config: NpuConfig
    model: bytes
    estimate: VelaEstimate
    n_original_operators: int
    cpu_operators: tuple[CpuOperator, ...]
    n_npu_blocks: int
    version: str

    @property
    def n_npu_operators(self) -> int:
        """Original operators that moved to the NPU (or vanished into its command stream)."""
        return self.n_original_operators - len(self.cpu_operators)

    @property
    def verdict(self) -> str:
        """One line on what the NPU takes over, in TFLite operators."""
        total = self.n_original_operators
        if self.n_npu_blocks == 0:
            return f"nothing runs on the NPU: all {total} operators stay on the CPU; do not use it"
        if not self.cpu_operators:
            return f"all {total} operators run on the NPU"
        names = ", ".join(sorted({c.op for c in self.cpu_operators}))
        crossings = f"{self.n_npu_blocks} NPU block{'s' if self.n_npu_blocks > 1 else ''}"
        return (
            f"{self.n_npu_operators} of {total} operators run on the NPU in {crossings}; "
            f"on the CPU: {names}"
        )
