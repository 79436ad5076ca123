from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.zoo import ZOO
from tflm_gen import resources
from tflm_gen.errors import UnsupportedModelError, UsageError
from tflm_gen.model.reader import parse_model, read_model
from tflm_gen.tflm.source_facts import NPU_OPERATOR
from tflm_gen.vela.compiler import CONFIGS, compile_for_npu, npu_config, vela_command
from tflm_gen.vela.records import CpuOperator, VelaEstimate, VelaResult


def result(*, total: int, cpu: tuple[str, ...], blocks: int) -> VelaResult:
    return VelaResult(
        config=CONFIGS["ethos-u55-128"],
        model=b"",
        estimate=VelaEstimate(
            cycles_total=1, cycles_npu=1, clock_hz=1.0, sram_bytes=0, off_sram_bytes=0, macs=0
        ),
        n_original_operators=total,
        cpu_operators=tuple(CpuOperator(op=op, name="t") for op in cpu),
        n_npu_blocks=blocks,
        version="0",
    )


def test_the_verdict_counts_tflite_operators():
    assert result(total=5, cpu=(), blocks=1).verdict == "all 5 operators run on the NPU"
    mixed = result(total=5, cpu=("SPLIT", "ARG_MAX", "SPLIT"), blocks=2)
    assert mixed.n_npu_operators == 2
    assert mixed.verdict == (
        "2 of 5 operators run on the NPU in 2 NPU blocks; on the CPU: ARG_MAX, SPLIT"
    )
    assert "do not use it" in result(total=2, cpu=("A", "B"), blocks=0).verdict


def test_argv_is_exact():
    command = vela_command(Path("m.tflite"), Path("out"), CONFIGS["ethos-u65-256"])
    assert command.argv[1:] == (
        *("-m", "ethosu.vela", "m.tflite"),
        *("--accelerator-config", "ethos-u65-256"),
        *("--config", "Arm/vela.ini"),
        *("--system-config", "Ethos_U65_High_End"),
        *("--memory-mode", "Dedicated_Sram_384KB"),
        *("--output-dir", "out"),
    )


def test_unknown_configuration_is_named():
    with pytest.raises(UsageError, match="unknown NPU configuration 'ethos-u99'"):
        npu_config("ethos-u99")


@pytest.mark.vela
@pytest.mark.parametrize("name", CONFIGS)
def test_the_example_moves_to_the_npu_whole(name):
    model = read_model(resources.examples_dir() / "ecg" / "ecg.tflite")
    compiled = compile_for_npu(model, CONFIGS[name])
    again = parse_model(compiled.model, "compiled")
    assert [o.op for o in again.main.operators] == [NPU_OPERATOR]
    assert again.inputs[0].shape == model.inputs[0].shape
    assert again.outputs[0].quantization == model.outputs[0].quantization
    assert compiled.cpu_operators == ()
    assert compiled.estimate.basis == "vela_estimate"
    assert compiled.estimate.cycles_total >= compiled.estimate.cycles_npu > 0


@pytest.mark.vela
def test_a_float_model_is_refused_before_vela_says_zero_cycles():
    with pytest.raises(UnsupportedModelError, match="is float32"):
        compile_for_npu(parse_model(ZOO["cnn_1d_float32"](), "float"), CONFIGS["ethos-u55-128"])


@pytest.mark.vela
def test_the_same_file_is_compiled_once(tmp_path, monkeypatch):
    monkeypatch.setenv("TFLM_GEN_CACHE", str(tmp_path))
    model = read_model(resources.examples_dir() / "ecg" / "ecg.tflite")
    first = compile_for_npu(model, CONFIGS["ethos-u55-128"])
    (kept,) = (tmp_path / "vela").iterdir()
    with monkeypatch.context() as without_vela:
        without_vela.setattr("tflm_gen.vela.compiler.run", None)
        assert compile_for_npu(model, CONFIGS["ethos-u55-128"]) == first
        with pytest.raises(TypeError):  # Another configuration is another result.
            compile_for_npu(model, CONFIGS["ethos-u65-256"])
    spoiled = json.loads(kept.read_text())
    spoiled["model"] = spoiled["model"][:-8]
    kept.write_text(json.dumps(spoiled))
    assert compile_for_npu(model, CONFIGS["ethos-u55-128"]) == first
