"""Finds the smallest arena of a firmware by running it, and starts the final firmware once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from tflm_gen.arena.modelled import (
    estimate_for_project,
    modelled_for,
    unseen_overlap_bytes,
)
from tflm_gen.errors import MissingToolError, UnsupportedChoiceError
from tflm_gen.memory_plan import ArenaResult, unproven_arena
from tflm_gen.project.arena_header import search_floor_of
from tflm_gen.project.plan import vector_source
from tflm_gen.toolchain.npu_arena import find_npu_arena

if TYPE_CHECKING:
    from tflm_gen.project.plan import ProjectSpec
    from tflm_gen.runner.records import SelfTest
    from tflm_gen.runner.select import DeviceChoice
    from tflm_gen.toolchain.work_tree import WorkTree

OnStep = Callable[[str], None]

_TEST_VECTOR = PurePosixPath("generated/test_vector.cc")
_BOOT_TIMEOUT_S = 60.0

UNSTEADY_OUTPUTS = (
    "the outputs depend on the arena's size: a kernel reads memory that nothing wrote, and no "
    "arena makes them right; tflm-gen verify names the first operator that differs"
)


def find_arena(
    tree: WorkTree, start_bytes: int, on_step: OnStep
) -> tuple[ArenaResult, tuple[str, ...]]:
    """The arena's size, by running the firmware where that is possible, and warnings.

    Args:
        tree: The project, built with an arena of ``start_bytes``.
        start_bytes: The largest arena to consider.
        on_step: Told the name of every step that takes a while.

    Raises:
        FirmwareError: If the firmware does not run even in the largest arena.
        DeviceFaultError: If it crashes there.
    """
    if tree.job.spec.compiled_arena is not None:
        return tree.job.spec.compiled_arena, ()
    if tree.job.arena_mode != "proven":
        return unproven_arena(start_bytes), ()
    if tree.job.spec.npu is not None:
        return find_npu_arena(tree, start_bytes, on_step)
    try:
        device = tree.select_device()
    except (MissingToolError, UnsupportedChoiceError) as obstacle:
        on_step("find the smallest arena on this machine")
        words = f"the arena is not proven on the target: {obstacle.message}"
        return modelled_for(tree.job.spec) or unproven_arena(start_bytes), (words,)
    on_step(f"find the smallest arena ({device.name})")
    return _search(tree, device, start_bytes)


def _search(
    tree: WorkTree, device: DeviceChoice, start_bytes: int
) -> tuple[ArenaResult, tuple[str, ...]]:
    """Bisect on the device; an arena is large enough if the golden vector comes out right.

    Where the target's kernels differ from the oracle's, right is what the device itself computes
    in the largest arena.
    """
    from tflm_gen.arena.search import prove_device_arena
    from tflm_gen.runner.launch import open_device

    spec = tree.job.spec
    own = _own_outputs(device, spec)
    if own is not None:
        golden = replace(spec.golden, outputs=own, oracle="the device in its largest arena")
        tree.replace_file(_TEST_VECTOR, vector_source(replace(spec, golden=golden)))
    estimate = estimate_for_project(spec)
    found = prove_device_arena(
        lambda: open_device(device, timeout_s=_BOOT_TIMEOUT_S),
        high_bytes=start_bytes,
        guess_bytes=estimate.n_bytes if estimate else None,
        floor_bytes=search_floor_of(spec),
    )
    if own is not None:
        tree.replace_file(_TEST_VECTOR, vector_source(spec))
    overlap_bytes = min(
        unseen_overlap_bytes(spec, found.ran_at_bytes), start_bytes - found.ran_at_bytes
    )
    arena = ArenaResult(
        size_bytes=found.ran_at_bytes + overlap_bytes,
        basis="proven",
        ran_at=found.ran_at_bytes,
        failed_at=found.failed_at_bytes,
        margin_bytes=overlap_bytes,
    )
    return arena, () if found.is_steady else (UNSTEADY_OUTPUTS,)


def _own_outputs(device: DeviceChoice, spec: ProjectSpec) -> tuple[bytes, ...] | None:
    """Outputs of the device for the golden input where they differ from the oracle's."""
    from tflm_gen.runner.launch import open_device

    with open_device(device, timeout_s=_BOOT_TIMEOUT_S) as session:
        selftest = session.connect().selftest
        if selftest is None or selftest.is_equal or spec.golden.outputs is None:
            return None
        session.reset()
        for index, data in enumerate(spec.golden.inputs):
            session.write_input(index, data)
        session.invoke()
        return tuple(session.read_output(index) for index in range(len(spec.golden.outputs)))


def check_start(tree: WorkTree) -> tuple[str, ...]:
    """Start the final firmware once; its start-up must pass, its golden vector should agree.

    Without an emulator the warning says so: an arena that is planned needs none.

    Raises:
        FirmwareError: If it does not start.
        DeviceFaultError: If it crashes.
    """
    from tflm_gen.runner.launch import open_device

    try:
        device = tree.select_device()
    except (MissingToolError, UnsupportedChoiceError) as obstacle:
        return (f"the firmware was not started here: {obstacle.message}",)
    with open_device(device, timeout_s=_BOOT_TIMEOUT_S) as session:
        selftest = session.connect().selftest
    if selftest is None or selftest.is_equal or tree.job.spec.golden.outputs is None:
        return ()
    return (start_warning(selftest),)


def start_warning(selftest: SelfTest) -> str:
    """What a start-up found whose outputs are not the golden ones."""
    if selftest.n_bytes == 0:
        return (
            "the golden vector was not compared on the device: the firmware holds no golden bytes "
            "for one of its outputs, or not as many as the output has"
        )
    at = selftest.first_difference
    where = f"from output byte {at} on" if at >= 0 else "at a byte that it does not name"
    return (
        f"the golden vector differs on the device {where}; "
        "tflm-gen verify names the first operator that differs"
    )
