"""The arena of a model for an NPU: TFLM places its tensors in QEMU, which has no NPU to run it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tflm_gen.errors import FirmwareError, MissingToolError
from tflm_gen.memory_plan import ArenaResult, unproven_arena
from tflm_gen.units import align_up

if TYPE_CHECKING:
    from collections.abc import Callable

    from tflm_gen.runner.records import BootReport
    from tflm_gen.toolchain.work_tree import WorkTree

_MARGIN_BYTES = 1024
_ALIGN_BYTES = 16
_BOOT_TIMEOUT_S = 60.0
_NPU = "npu"
# Start-up steps by their number in READY: this one is the first inference.
_INFERENCE_FAILED = 3


def find_npu_arena(
    tree: WorkTree, start_bytes: int, on_step: Callable[[str], None]
) -> tuple[ArenaResult, tuple[str, ...]]:
    """What TFLM uses when it allocates the compiled model, and a margin.

    The NPU's scratch buffers are tensors in the arena: allocating needs no NPU. Nothing is run,
    so the size is a modelled one.

    Args:
        tree: The project, built with an arena of ``start_bytes``.
        start_bytes: The largest arena to consider.
        on_step: Told the name of every step that takes a while.

    Raises:
        FirmwareError: If TFLM does not accept the compiled model.
        DeviceFaultError: If the firmware crashes.
    """
    on_step("allocate the tensors in QEMU")
    try:
        report = boot_without_npu(tree)
    except MissingToolError as obstacle:
        words = f"the arena is not known: {obstacle.message}"
        return unproven_arena(start_bytes), (words,)
    check_allocated(report)
    used = report.arena.used_bytes if report.arena else start_bytes
    size = min(start_bytes, align_up(used + _MARGIN_BYTES, _ALIGN_BYTES))
    arena = ArenaResult(
        size_bytes=size,
        basis="modelled",
        ran_at=None,
        failed_at=None,
        margin_bytes=max(0, size - used),
        modelled_from="what TFLM used to allocate it in QEMU",
    )
    return arena, ("allocated in QEMU, not run: no emulator here has an Ethos-U",)


def check_npu_start(tree: WorkTree) -> None:
    """Start the final firmware in QEMU: it must allocate, and report that there is no NPU.

    Raises:
        FirmwareError: If it does not get so far.
        DeviceFaultError: If it crashes.
    """
    check_allocated(boot_without_npu(tree))


def boot_without_npu(tree: WorkTree) -> BootReport:
    """Start-up report of the firmware in QEMU.

    Raises:
        MissingToolError: If QEMU is not installed.
        DeviceFaultError: If the firmware crashes.
    """
    from tflm_gen.runner.emulators.qemu import EMULATOR
    from tflm_gen.runner.launch import open_device
    from tflm_gen.runner.select import DeviceChoice

    target = tree.device_target()
    obstacle = EMULATOR.obstacle(target)
    if obstacle is not None:
        raise obstacle
    device = DeviceChoice(
        name=EMULATOR.name,
        reason="allocates the tensors",
        timing_basis=EMULATOR.timing_basis,
        is_real=False,
        open=lambda: EMULATOR.open(target),
    )
    with open_device(device, timeout_s=_BOOT_TIMEOUT_S) as session:
        return session.connect(require_ready=False)


def check_allocated(report: BootReport) -> None:
    """The firmware must have loaded the model and missed nothing but the NPU.

    Raises:
        FirmwareError: If another step failed.
    """
    other = [error for error in report.errors if error.where not in {_NPU, "selftest"}]
    if report.status == _INFERENCE_FAILED and not other:
        return
    words = ", ".join(f"{error.where}: {error.detail}" for error in report.errors)
    raise FirmwareError(
        f"TFLM does not accept the model compiled for the NPU (step {report.status}: {words})",
        hint="Use --kernels cmsis-nn for this model, and report the file.",
    )
