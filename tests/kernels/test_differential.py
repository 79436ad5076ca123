"""Every operator of the compiled engine, in random configurations, byte for byte against TFLM.

The tflite-micro wheel answers; the generated C runs on this machine under the sanitizers and on
emulated cores. Operators are batched, some hundred models to a program.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from tests.kernels.batch import ORACLES, Case, random_cases, write_batch
from tests.kernels.machines import MACHINES, build_batch, run, run_batch
from tests.kernels.random_cases import BUILDERS
from tests.support.requirements import require
from tflm_gen.compiled.lowering import SUPPORTED_OPERATORS

CASES_PER_OPERATOR = 100
GROUPS = {
    "convolution": ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "MAX_POOL_2D"),
    "reduction": ("AVERAGE_POOL_2D", "MEAN", "SOFTMAX", "TRANSPOSE_CONV", "ADD", "SUB", "MUL"),
    "table": (
        *("RELU", "RELU6", "LEAKY_RELU", "PRELU", "LOGISTIC", "TANH", "HARD_SWISH", "QUANTIZE"),
    ),
    "movement": (
        *("PAD", "CONCATENATION", "SPLIT", "TRANSPOSE", "STRIDED_SLICE", "RESHAPE", "DEQUANTIZE"),
        "RESIZE_NEAREST_NEIGHBOR",
    ),
    # TFLM lacks these: TFLite's reference kernels answer.
    "reference": tuple(ORACLES),
}
# Cores that share all kernels with another one run only the group that differs most.
RUNS = [
    *((group, machine) for group in GROUPS for machine in ("host", "cortex-m4f", "cortex-m55")),
    *(
        ("convolution", machine)
        for machine in ("host-dsp", "host-dsp-fast", "cortex-m4f-fast", "cortex-m7", "cortex-m33")
    ),
]
# Other names for RESHAPE's kernel, and PAD with a value.
_BUILT_WITHIN = {"EXPAND_DIMS": "RESHAPE", "SQUEEZE": "RESHAPE", "PADV2": "PAD"}


@cache
def cases_of(group: str) -> tuple[Case, ...]:
    seeds = range(CASES_PER_OPERATOR)
    return tuple(case for op in GROUPS[group] for case in random_cases(op, seeds))


def need(machine: str, group: str = "") -> None:
    require("tensorflow" if group == "reference" else "oracle")
    for name in ("cross", "qemu") if MACHINES[machine].qemu else ("hostcc",):
        require(name)


def test_every_supported_operator_is_in_a_group() -> None:
    tested = {op for ops in GROUPS.values() for op in ops}
    assert tested == set(BUILDERS)
    assert {_BUILT_WITHIN.get(op, op) for op in SUPPORTED_OPERATORS} == tested


@pytest.mark.parametrize(("group", "machine"), RUNS)
def test_bytes_equal_the_wheels(group: str, machine: str, tmp_path: Path) -> None:
    need(machine, group)
    cases = cases_of(group)
    batch = write_batch(list(cases), MACHINES[machine].target, tmp_path, MACHINES[machine].tuning)
    # A case that both sides refuse would prove nothing.
    assert batch.refused == ()
    n_run, differences = run_batch(MACHINES[machine], batch)
    assert differences == []
    assert n_run == len(cases) == CASES_PER_OPERATOR * len(GROUPS[group])


# Shifts of 16 and more, which TFLM does in 16 bits; a scale so large that every input saturates.
FOUND_BY_THE_LONG_RUN = (("HARD_SWISH", 5864), ("HARD_SWISH", 6191), ("TANH", 328))


def test_what_the_long_run_found_stays_mended(tmp_path: Path) -> None:
    need("host")
    cases = [case for op, seed in FOUND_BY_THE_LONG_RUN for case in random_cases(op, [seed])]
    batch = write_batch(cases, MACHINES["host"].target, tmp_path)
    assert run_batch(MACHINES["host"], batch) == (len(cases), [])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("op->out_zero;", "op->out_zero + 1;"),
        ("row < w->in_h", "row <= w->in_h"),
        ("sum, channel->multiplier", "sum + 1, channel->multiplier"),
    ],
)
def test_a_wrong_kernel_is_found(old: str, new: str, tmp_path: Path) -> None:
    need("host")
    cases = random_cases("CONV_2D", range(40))
    batch = write_batch(cases, MACHINES["host"].target, tmp_path)
    kernel = tmp_path / "src" / "conv.c"
    text = kernel.read_text()
    assert old in text
    kernel.write_text(text.replace(old, new))
    program = build_batch(MACHINES["host"], batch)
    printed = run(MACHINES["host"], program)
    # Either bytes differ, or the sanitizer stops a read outside of the image.
    assert "FAILED 0" not in printed
