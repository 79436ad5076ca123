"""Compiles a quantized model for an Ethos-U with Vela, in a child process with a time limit."""

from __future__ import annotations

import csv
import importlib.metadata
import importlib.util
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tflm_gen.errors import MissingToolError, OracleError, UnsupportedModelError, UsageError
from tflm_gen.model.reader import parse_model
from tflm_gen.process import CONVERTER_MEMORY_BYTES, CommandLine, run
from tflm_gen.tflm.source_facts import NPU_OPERATOR
from tflm_gen.vela import cache
from tflm_gen.vela.records import CpuOperator, NpuConfig, VelaEstimate, VelaResult

if TYPE_CHECKING:
    from tflm_gen.model.records import Model

INSTALL_HINT = "Install it: pip install 'tflm-gen[ethos-u]'"

# Memory systems as in the Arm/vela.ini that ethos-u-vela 5.2.0 ships (ethosu/config_files).
CONFIGS = {
    "ethos-u55-128": NpuConfig(
        accelerator="ethos-u55-128",
        system_config="Ethos_U55_High_End_Embedded",
        memory_mode="Shared_Sram",
        arena_region="sram",
        fast_memory_bytes=0,
    ),
    "ethos-u65-256": NpuConfig(
        accelerator="ethos-u65-256",
        system_config="Ethos_U65_High_End",
        memory_mode="Dedicated_Sram_384KB",
        arena_region="dram",
        fast_memory_bytes=393_216,
    ),
}


def npu_config(name: str) -> NpuConfig:
    """The named configuration.

    Raises:
        UsageError: There is none of that name.
    """
    if name not in CONFIGS:
        raise UsageError(
            f"unknown NPU configuration {name!r}", hint=f"Choose one of: {', '.join(CONFIGS)}."
        )
    return CONFIGS[name]


def vela_command(model_path: Path, out_dir: Path, config: NpuConfig) -> CommandLine:
    """Argv of the Vela run."""
    return CommandLine(
        argv=(
            sys.executable,
            "-m",
            "ethosu.vela",
            str(model_path),
            "--accelerator-config",
            config.accelerator,
            "--config",
            "Arm/vela.ini",
            "--system-config",
            config.system_config,
            "--memory-mode",
            config.memory_mode,
            "--output-dir",
            str(out_dir),
        ),
        purpose="compile the model for the NPU",
        timeout_s=300,
        memory_bytes=CONVERTER_MEMORY_BYTES,
    )


def compile_for_npu(model: Model, config: NpuConfig) -> VelaResult:
    """Run Vela on a quantized model, or take what the same Vela made of the same file before.

    Raises:
        MissingToolError: Vela is not installed.
        UnsupportedModelError: The model is not quantized, or Vela refuses it.
        OracleError: Vela crashed.
        ProcessTimeoutError: Vela ran past its limit.
    """
    if importlib.util.find_spec("ethosu") is None:
        raise MissingToolError(
            "--kernels ethos-u needs Vela, which is not installed", hint=INSTALL_HINT
        )
    floats = [t.name for t in (*model.inputs, *model.outputs) if t.dtype == "float32"]
    if floats:
        # Vela accepts such a file, puts nothing on the NPU and reports 0 cycles.
        raise UnsupportedModelError(
            f"{model.name}: {floats[0]!r} is float32; the Ethos-U computes in int8 and int16",
            hint="Quantize it first: tflm-gen quantize MODEL --data WINDOWS",
        )
    kept = cache.load(model, config)
    if kept is not None:
        return kept
    result = _run_vela(model, config)
    cache.store(model, result)
    return result


def _run_vela(model: Model, config: NpuConfig) -> VelaResult:
    with tempfile.TemporaryDirectory(prefix="tflm-gen-vela-") as folder:
        source = Path(folder) / "model.tflite"
        source.write_bytes(model.flatbuffer)
        out_dir = Path(folder) / "out"
        completed = run(vela_command(source, out_dir, config))
        compiled = out_dir / "model_vela.tflite"
        summary = out_dir / f"model_summary_{config.system_config}.csv"
        if completed.returncode < 0:
            raise OracleError(
                f"Vela was ended by signal {-completed.returncode} on {model.name}",
                hint="Use --kernels cmsis-nn for this model, and report the file to Vela.",
            )
        if completed.returncode != 0 or not compiled.is_file() or not summary.is_file():
            last = completed.text.strip().splitlines()[-1:] or ["no message"]
            raise UnsupportedModelError(
                f"Vela refuses {model.name}: {last[0][:300]}",
                hint="Use --kernels cmsis-nn for this model.",
            )
        return _result(model, config, compiled.read_bytes(), _estimate(summary))


def _estimate(summary: Path) -> VelaEstimate:
    with summary.open(newline="", encoding="utf-8") as file:
        row = next(csv.DictReader(file))
    kib = 1024
    areas = ("dram", "on_chip_flash", "off_chip_flash")
    off_sram_kib = sum(float(row[f"{area}_memory_used"]) for area in areas)
    return VelaEstimate(
        cycles_total=round(float(row["cycles_total"])),
        cycles_npu=round(float(row["cycles_npu"])),
        clock_hz=float(row["core_clock"]),
        sram_bytes=round(float(row["sram_memory_used"]) * kib),
        off_sram_bytes=round(off_sram_kib * kib),
        macs=round(float(row["nn_macs"])),
    )


def _result(model: Model, config: NpuConfig, data: bytes, estimate: VelaEstimate) -> VelaResult:
    compiled = parse_model(data, f"{model.name}_vela.tflite")
    main = compiled.main
    left = tuple(
        CpuOperator(op=o.op, name=main.tensors[o.outputs[0]].name)
        for o in main.operators
        if o.op != NPU_OPERATOR
    )
    return VelaResult(
        config=config,
        model=data,
        estimate=estimate,
        n_original_operators=len(model.main.operators),
        cpu_operators=left,
        n_npu_blocks=len(main.operators) - len(left),
        version=importlib.metadata.version("ethos-u-vela"),
    )
