"""From a model and ``--kernels ethos-u`` to what a project for the NPU is made of."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tflm_gen.errors import UnsupportedChoiceError, UnsupportedModelError, UsageError
from tflm_gen.model.reader import parse_model
from tflm_gen.project.npu import NpuPlan, npu_board
from tflm_gen.tflm.image import DEBUG_IMAGE, IMAGE, find_image
from tflm_gen.tflm.source_facts import NPU_KERNELS, Reasoned
from tflm_gen.tflm.sources import TflmSource
from tflm_gen.vela.compiler import compile_for_npu, npu_config

if TYPE_CHECKING:
    from tflm_gen.board_loader import Board
    from tflm_gen.model.records import Model
    from tflm_gen.tflm.choice import EngineChoice
    from tflm_gen.vela.records import VelaResult

DEFAULT_CONFIGURATION = "ethos-u65-256"

# Each image carries the driver of one NPU.
_IMAGES = {"ethos-u55-128": DEBUG_IMAGE, "ethos-u65-256": IMAGE}


@dataclass(frozen=True, slots=True, kw_only=True)
class NpuProject:
    """What changes for a project whose model runs on an NPU.

    Attributes:
        model: The compiled model, which is flashed.
        board: The board with its memory as the NPU needs it.
        choice: The TFLM with the driver of that NPU, and why.
        plan: The NPU and the compiler's figures.
    """

    model: Model
    board: Board
    choice: EngineChoice
    plan: NpuPlan


def kernels_for(kernels: str, npu: str | None) -> str:
    """The kernel library that the two options name together.

    Raises:
        UsageError: If they contradict each other.
    """
    if npu is None or kernels == NPU_KERNELS:
        return kernels
    if kernels != "auto":
        raise UsageError(
            f"--npu {npu} and --kernels {kernels} exclude each other",
            hint=f"For the NPU: --kernels {NPU_KERNELS} --npu {npu}; for the CPU leave --npu out.",
        )
    return NPU_KERNELS


def plan_npu_project(
    model: Model, board: Board, choice: EngineChoice, name: str | None
) -> NpuProject | None:
    """Compile the model if the NPU was asked for.

    Args:
        model: The model as the user gave it.
        board: The board.
        choice: Engine and kernels.
        name: The NPU's configuration; None for the default.

    Returns:
        None if the kernels are those of the CPU.

    Raises:
        UnsupportedChoiceError: If the board has no such NPU.
        UnsupportedModelError: If nothing of the model would run on it.
        TflmGenError: As :func:`tflm_gen.vela.compiler.compile_for_npu`.
    """
    if choice.kernels != NPU_KERNELS:
        return None
    config = npu_config(name or DEFAULT_CONFIGURATION)
    known = board.spec.npu.configurations if board.spec.npu else ()
    if config.accelerator not in known:
        raise UnsupportedChoiceError(
            f"{board.id} has no {config.accelerator}; it has {' or '.join(known) or 'no NPU'}",
            hint="Choose another with --npu, or use --kernels cmsis-nn.",
        )
    result = compile_for_npu(model, config)
    if result.n_npu_blocks == 0:
        raise UnsupportedModelError(
            f"{model.name}: {result.verdict}", hint="Use --kernels cmsis-nn for this model."
        )
    plan = _plan(model, result)
    return NpuProject(
        model=parse_model(result.model, f"{model.name}.tflite"),
        board=npu_board(board, plan),
        choice=_with_driver(choice, plan),
        plan=plan,
    )


def _plan(model: Model, result: VelaResult) -> NpuPlan:
    estimate = result.estimate
    return NpuPlan(
        configuration=result.config.accelerator,
        memory_mode=result.config.memory_mode,
        arena_region=result.config.arena_region,
        fast_memory_bytes=result.config.fast_memory_bytes,
        compiler=f"ethos-u-vela {result.version}",
        model_name=model.name,
        model_sha256=model.sha256,
        n_operators=result.n_original_operators,
        n_npu_operators=result.n_npu_operators,
        n_npu_blocks=result.n_npu_blocks,
        cpu_operators=tuple(operator.op for operator in result.cpu_operators),
        cycles_total=estimate.cycles_total,
        clock_hz=estimate.clock_hz,
        sram_bytes=estimate.sram_bytes,
        off_sram_bytes=estimate.off_sram_bytes,
        macs=estimate.macs,
        verdict=result.verdict,
    )


def _with_driver(choice: EngineChoice, plan: NpuPlan) -> EngineChoice:
    """The choice with the image whose driver knows the NPU."""
    pin = _IMAGES[plan.configuration]
    facts = replace(
        choice.facts,
        runtime_id=f"tflm-mlek-26.03+sha256.{pin.sha256[:12]}",
        how_to_get=f"tflm-gen deps get {pin.dependency}",
    )
    path = find_image(pin)
    source = TflmSource(facts=facts, path=path, sha256=pin.sha256) if path else None
    reason = Reasoned(what="npu", choice=plan.configuration, reason=plan.verdict)
    return replace(choice, facts=facts, source=source, reasons=(*choice.reasons, reason))
