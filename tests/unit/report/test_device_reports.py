"""The texts of bench and verify, whole, for results made by hand."""

from __future__ import annotations

from dataclasses import replace

from tflm_gen.benchmark import BenchPlan, BenchResult, OpCost, summarize
from tflm_gen.report.bench_text import bench_text
from tflm_gen.report.emulate_text import line_text, selftest_text
from tflm_gen.report.verify_text import verification_text
from tflm_gen.runner.records import ArenaUse, Banner, BootReport, SelfTest, StackUse
from tflm_gen.toolchain.device_arena import start_warning
from tflm_gen.verification import Difference, Divergence, Mismatch, Verification
from tflm_gen.wire import Line, LineReader, encode_line, load_schema

BOOT = BootReport(
    banner=Banner(
        wire=1,
        firmware="0.1.0",
        board="corstone300",
        engine="tflm",
        kernels="cmsis-nn",
        runtime="tflm-x",
        model="ecg",
        model_bytes=10,
        model_crc=1,
        model_sha256="00",
    ),
    status=0,
    timer=None,
    inputs=(),
    outputs=(),
    arena=None,
    stack=None,
    selftest=SelfTest(n_bytes=3, is_equal=True, first_difference=-1),
    init_ticks=None,
    first_invoke_ticks=None,
    errors=(),
)

BENCH = BenchResult(
    basis="emulated_instructions",
    unit="instructions",
    tick_hz=32_000_000,
    plan=BenchPlan(warmup=2, runs=3),
    init=2_183_432,
    first_invoke=218_752,
    invoke=summarize([218_102] * 3),
    ops=(
        OpCost(index=0, op="CONV_2D", count=200_000, percent=95.238),
        OpCost(index=1, op="SOFTMAX", count=10_000, percent=4.762),
    ),
    arena=ArenaUse(reserved_bytes=8192, used_bytes=7860, touched_bytes=6832),
    stack=StackUse(reserved_bytes=16384, used_bytes=1536),
)


def test_bench():
    assert (
        "\n".join(bench_text(BENCH, BOOT))
        == """\
model ecg on corstone300, engine tflm, kernels cmsis-nn, tflm-x
basis: emulated_instructions (instructions counted by the emulator; they are not cycles, not time, \
and not comparable across cores)

  init          2,183,432
  first invoke  218,752
  invoke        218,102
                2 warm-up and 3 timed runs

  #  operator  instructions     %
  0  CONV_2D        200,000  95.2
  1  SOFTMAX         10,000   4.8

  arena 8,192 bytes reserved, 7,860 used, 6,832 touched
  stack 1,536 of 16,384 bytes used"""
    )


def test_bench_of_a_board_that_was_already_running_and_scatters():
    result = replace(
        BENCH, basis="measured_cycles", unit="cycles", init=None, invoke=summarize([100, 102, 110])
    )
    text = "\n".join(bench_text(result, BOOT))
    assert "init          not seen (the board was already running)" in text
    assert "median 102, mean 104.0, p95 110, p99 110, min 100, max 110" in text
    assert "basis: measured_cycles" in text


DIFFERENCE = Difference(
    n_elements=552,
    n_different=14,
    element=530,
    device_value=-125,
    host_value=-127,
    max_abs_difference=4,
)
RESULT = Verification(
    n_vectors=32,
    n_bytes=96,
    oracle="tflite-micro 1",
    mismatches=tuple(
        Mismatch(
            vector_index=i,
            vector=f"random {i}",
            output_index=0,
            output="y",
            difference=DIFFERENCE,
        )
        for i in range(7)
    ),
)


def test_verify_equal():
    text = verification_text(replace(RESULT, mismatches=()), None, None, BOOT)
    assert text[-1] == "EQUAL: 32 vectors, all 96 output bytes equal"


def test_verify_different():
    divergence = Divergence(
        operator_index=6,
        op="CONV_2D",
        tensor_index=24,
        tensor="conv3",
        dtype="int8",
        vector="random 0",
        difference=DIFFERENCE,
    )
    text = verification_text(RESULT, divergence, None, BOOT)
    words = "14 of 552 elements differ, first [530] device -125 host -127, max |difference| 4"
    assert text[2] == f"  vector 0 (random 0), output 0 'y': {words}"
    assert text[7:] == [
        "  and 2 more",
        "first operator that differs: #6 CONV_2D, tensor 24 'conv3' (int8)",
        f"  on vector 'random 0': {words}",
        "DIFFERENT: 7 of 32 vectors differ from the reference",
    ]


def test_verify_says_what_floats_are():
    floats = replace(DIFFERENCE, device_value=0.50910902, host_value=0.50910896)
    mismatches = tuple(replace(item, difference=floats) for item in RESULT.mismatches)
    text = verification_text(replace(RESULT, mismatches=mismatches), None, None, BOOT)
    assert "device 0.50910902 host 0.50910896" in text[2]
    assert "note: float32 results are rounded differently" in text[-2]


def test_verify_without_an_operator_says_why():
    text = verification_text(RESULT, None, "it depends on memory layout", BOOT)
    assert text[-2] == "note: it depends on memory layout"


def test_self_test_verdicts():
    def verdict(**changes) -> str:
        return selftest_text(replace(BOOT, selftest=replace(BOOT.selftest, **changes)))

    assert verdict() == "passed: all 3 output bytes equal the reference's"
    assert "FAILED: output byte 2 of 3" in verdict(is_equal=False, first_difference=2)
    assert "no golden vector" in verdict(n_bytes=0, is_equal=False)
    assert "-1" not in verdict(is_equal=False)
    assert "FAILED" in verdict(is_equal=False)
    assert selftest_text(replace(BOOT, selftest=None)) == "not run"


def test_a_warning_of_the_start_names_no_byte_before_the_first():
    """Firmware says -1 if an output has no golden bytes, or another number of them."""

    def warning(**changes) -> str:
        return start_warning(replace(BOOT.selftest, is_equal=False, **changes))

    assert "was not compared" in warning(n_bytes=0)
    assert "from output byte 2 on" in warning(first_difference=2)
    assert "does not name" in warning()
    assert not any("-1" in text for text in (warning(), warning(n_bytes=0)))


def test_lines_of_a_device_are_made_readable():
    schema = load_schema()
    raw = encode_line(schema.records["PHASE"], 0, {"name": "self test"}, max_line_chars=1024)
    lines = [*LineReader().feed(raw + b"printf says hi\n\n$0 TORN *00\n", 1.5)]
    assert [line_text(line) for line in lines] == [
        "[  1.500 s] phase     name=self test",
        "[  1.500 s] printf says hi",
        None,
        "[  1.500 s] damaged line (not of the form $<payload> *<CRC>): $0 TORN *00",
    ]
    assert line_text(Line(elapsed_s=0.0, text="  ")) is None
