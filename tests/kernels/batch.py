"""Many small models in one program: generated C, input vectors, and the oracle's answers.

The program prints one line for each difference and, last, ``CASES <n> FAILED <n>``. The oracle is
the tflite-micro wheel; for an operator it lacks, TFLite's reference kernel.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.kernels.random_cases import build_case
from tflm_gen import resources
from tflm_gen.compiled.emit import model_text, render_model
from tflm_gen.compiled.generate import DEFAULT_TUNING
from tflm_gen.compiled.ir import Program, Target, Tuning
from tflm_gen.compiled.lowering import lower_model
from tflm_gen.compiled.memory import plan_memory
from tflm_gen.errors import NotCompilableError
from tflm_gen.model.reader import parse_model
from tflm_gen.model.records import Model

HARNESS = Path(__file__).parent / "harness"
KERNELS = resources.firmware_templates_dir() / "compiled"
WHEEL = "tflite-micro"
REFERENCE = "TFLite reference kernel (tensorflow, BUILTIN_REF)"
# Operators that TFLM does not have.
ORACLES = {"RELU_N1_TO_1": REFERENCE, "RELU_0_TO_1": REFERENCE}
_ARENA_BYTES = 1 << 18
N_VECTORS = 3


@dataclass(frozen=True, kw_only=True)
class Case:
    """One model with vectors; ``refused`` says why our engine or the wheel does not run it."""

    name: str
    model: Model
    inputs: tuple[tuple[bytes, ...], ...] = ()
    outputs: tuple[tuple[bytes, ...], ...] = ()
    refused: str = ""


def wheel_outputs(
    flatbuffer: bytes, vectors: list[list[np.ndarray]], n_outputs: int | None = None
) -> tuple[tuple[bytes, ...], ...] | None:
    """What TFLM computes, or None if it refuses the model."""
    from tflite_micro.python.tflite_micro import runtime

    try:
        interpreter = runtime.Interpreter.from_bytes(flatbuffer, arena_size=_ARENA_BYTES)
    except RuntimeError:
        return None
    results = []
    if n_outputs is None:
        n_outputs = len(parse_model(flatbuffer, "case.tflite").outputs)
    for vector in vectors:
        for index, array in enumerate(vector):
            interpreter.set_input(array, index)
        try:
            interpreter.invoke()
        except RuntimeError:
            return None
        results.append(tuple(interpreter.get_output(i).tobytes() for i in range(n_outputs)))
    return tuple(results)


def make_vectors(model: Model, seed: int, n_vectors: int = N_VECTORS) -> list[list[np.ndarray]]:
    """Inputs: a ramp over all int8 values, the extremes, then random ones."""
    rng = np.random.default_rng(seed)
    vectors = []
    for number in range(n_vectors):
        vector = []
        for tensor in model.inputs:
            if tensor.dtype == "float32":
                spread = 10.0 ** rng.uniform(-3, 3)
                array = (rng.normal(0, spread, tensor.shape)).astype(np.float32)
            elif number == 0:
                ramp = np.arange(tensor.n_elements) - 128
                array = ((ramp + 128) % 256 - 128).astype(np.int8).reshape(tensor.shape)
            elif number == 1:
                array = rng.choice(np.array([-128, 127], np.int8), tensor.shape)
            else:
                array = rng.integers(-128, 128, tensor.shape).astype(np.int8)
            vector.append(array)
        vectors.append(vector)
    return vectors


def reference_outputs(
    flatbuffer: bytes, vectors: list[list[np.ndarray]]
) -> tuple[tuple[bytes, ...], ...] | None:
    """What TFLite's reference kernels compute, or None if they refuse the model."""
    import tensorflow as tf

    try:
        interpreter = tf.lite.Interpreter(
            model_content=flatbuffer,
            experimental_op_resolver_type=tf.lite.experimental.OpResolverType.BUILTIN_REF,
        )
        interpreter.allocate_tensors()
    except (RuntimeError, ValueError):
        return None
    inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
    results = []
    for vector in vectors:
        for detail, array in zip(inputs, vector, strict=True):
            interpreter.set_tensor(detail["index"], array)
        interpreter.invoke()
        results.append(tuple(interpreter.get_tensor(o["index"]).tobytes() for o in outputs))
    return tuple(results)


def make_case(name: str, flatbuffer: bytes, seed: int, oracle: str = WHEEL) -> Case:
    """Runs the oracle on a model's vectors."""
    model = parse_model(flatbuffer, f"{name}.tflite")
    vectors = make_vectors(model, seed)
    if oracle == WHEEL:
        outputs = wheel_outputs(flatbuffer, vectors, len(model.outputs))
    else:
        outputs = reference_outputs(flatbuffer, vectors)
    if outputs is None:
        return Case(name=name, model=model, refused=f"refused by {oracle}")
    return Case(
        name=name,
        model=model,
        inputs=tuple(tuple(a.tobytes() for a in vector) for vector in vectors),
        outputs=outputs,
    )


def random_cases(op: str, seeds: Iterable[int]) -> list[Case]:
    """Random configurations of one operator, with answers."""
    oracle = ORACLES.get(op, WHEEL)
    return [make_case(f"{op}_{seed}", build_case(op, seed), seed, oracle) for seed in seeds]


# --- C text -------------------------------------------------------------------------------------

_STATIC_NAME = re.compile(r"\b(s\d+(?:_\w+)?|step_names)\b")
_INCLUDE = re.compile(r"^(#include.*|#pragma once)$", re.MULTILINE)
# Vectors are data of the test, not of the engine: the assembler takes them as they are.
VECTORS = """
__asm__(".section .rodata.vectors,\\"a\\",%progbits\\n"
        ".global test_vectors\\ntest_vectors:\\n.incbin \\"vectors.bin\\"\\n"
        ".byte 0\\n.previous");
extern const unsigned char test_vectors[];
"""


@dataclass(frozen=True, kw_only=True)
class Generated:
    """One model's C text and the kernels it calls."""

    program: Program
    text: str
    kernels: frozenset[str]


def _same_calls(a: Program, b: Program) -> bool:
    return (a.steps, a.aliases, a.values) == (b.steps, b.aliases, b.values)


def generate(case: Case, prefix: str, program: Program) -> Generated:
    """The generated model with file-level names made unique."""
    text = model_text(
        program,
        plan_memory(program),
        prefix=prefix,
        model_name=case.model.name,
        model_sha256=case.model.sha256,
    )
    header, source = (part.decode() for part in render_model(text))
    body = _INCLUDE.sub("", header) + _STATIC_NAME.sub(rf"{prefix}_\1", _INCLUDE.sub("", source))
    kernels = frozenset(call.source for step in program.steps for call in step.calls)
    return Generated(program=program, text=body, kernels=kernels)


class CaseTexts:
    """Generated C of cases; written once for targets whose calls do not differ."""

    def __init__(self) -> None:
        self._known: dict[str, list[Generated]] = {}

    def of(self, case: Case, prefix: str, target: Target, tuning: Tuning) -> Generated:
        program = lower_model(case.model, target, tuning)
        known = self._known.setdefault(case.name, [])
        for generated in known:
            if _same_calls(generated.program, program):
                return generated
        known.append(generate(case, prefix, program))
        return known[-1]


def _case_row(case: Case, prefix: str, offsets: tuple[int, int]) -> str:
    macro = prefix.upper()
    return (
        f'{{"{case.name}", {prefix}_inputs, {macro}_INPUT_COUNT, {prefix}_outputs, '
        f"{macro}_OUTPUT_COUNT, {macro}_ARENA_BYTES, {len(case.inputs)}, "
        f"test_vectors + {offsets[0]}, test_vectors + {offsets[1]}, {prefix}_invoke}},\n"
    )


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Files of one test program.

    Attributes:
        folder: Of ``cases.c`` and ``vectors.bin``, and of ``src`` and ``include``.
        kernels: The C files of ``src`` that the cases call.
        n_cases: Models in it.
        refused: Cases left out, with the reason.
    """

    folder: Path
    kernels: tuple[str, ...]
    n_cases: int
    refused: tuple[str, ...]


def _flat(vectors: tuple[tuple[bytes, ...], ...]) -> bytes:
    return b"".join(data for vector in vectors for data in vector)


def write_batch(
    cases: list[Case],
    target: Target,
    folder: Path,
    tuning: Tuning = DEFAULT_TUNING,
    texts: CaseTexts | None = None,
) -> Batch:
    """Generate all cases for a target into one C file, beside the engine's kernels."""
    texts = texts or CaseTexts()
    parts = ['#include "cases.h"\n#include "tgk/kernels.h"\n', VECTORS]
    rows, refused, kernels, blob = [], [], set(), bytearray()
    for number, case in enumerate(cases):
        try:
            if case.refused:
                raise NotCompilableError(case.refused, hint="")
            generated = texts.of(case, f"c{number}", target, tuning)
        except NotCompilableError as error:
            refused.append(f"{case.name}: {error.message}")
            continue
        start = len(blob)
        blob += _flat(case.inputs)
        rows.append(_case_row(case, f"c{number}", (start, len(blob))))
        blob += _flat(case.outputs)
        parts.append(generated.text)
        kernels |= generated.kernels
    parts.append(f"const test_case test_cases[] = {{\n{''.join(rows)}}};\n")
    parts.append(f"const int32_t test_case_count = {len(rows)};\n")
    (folder / "cases.c").write_text("\n".join(parts))
    (folder / "vectors.bin").write_bytes(blob)
    for part in ("include", "src"):
        shutil.copytree(KERNELS / part, folder / part, dirs_exist_ok=True)
    return Batch(
        folder=folder,
        kernels=tuple(sorted(kernels)),
        n_cases=len(rows),
        refused=tuple(refused),
    )
