"""Many small models in one program: generated C, input vectors, and the wheel's answers.

The program prints one line for each difference and, last, ``CASES <n> FAILED <n>``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.kernels.random_cases import build_case
from tflm_gen.compiled.generate import DEFAULT_TUNING, CompiledModel, compile_model
from tflm_gen.compiled.ir import Target, Tuning
from tflm_gen.errors import NotCompilableError
from tflm_gen.model.reader import parse_model
from tflm_gen.model.records import Model

HARNESS = Path(__file__).parent / "harness"
_ARENA_BYTES = 1 << 20
_N_VECTORS = 3


@dataclass(frozen=True, kw_only=True)
class Case:
    """One model with vectors; ``refused`` says why our engine or the wheel does not run it."""

    name: str
    model: Model
    inputs: tuple[tuple[bytes, ...], ...] = ()
    outputs: tuple[tuple[bytes, ...], ...] = ()
    refused: str = ""


def wheel_outputs(
    flatbuffer: bytes, vectors: list[list[np.ndarray]]
) -> tuple[tuple[bytes, ...], ...] | None:
    """What TFLM computes, or None if it refuses the model."""
    from tflite_micro.python.tflite_micro import runtime

    try:
        interpreter = runtime.Interpreter.from_bytes(flatbuffer, arena_size=_ARENA_BYTES)
    except RuntimeError:
        return None
    results = []
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


def make_vectors(model: Model, seed: int, n_vectors: int = _N_VECTORS) -> list[list[np.ndarray]]:
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


def make_case(name: str, flatbuffer: bytes, seed: int) -> Case:
    """Runs the wheel on a model's vectors."""
    model = parse_model(flatbuffer, f"{name}.tflite")
    vectors = make_vectors(model, seed)
    outputs = wheel_outputs(flatbuffer, vectors)
    if outputs is None:
        return Case(name=name, model=model, refused="the wheel refuses it")
    return Case(
        name=name,
        model=model,
        inputs=tuple(tuple(a.tobytes() for a in vector) for vector in vectors),
        outputs=outputs,
    )


def random_cases(op: str, seeds: range) -> list[Case]:
    """Random configurations of one operator, with answers."""
    return [make_case(f"{op}_{seed}", build_case(op, seed), seed) for seed in seeds]


# --- C text -------------------------------------------------------------------------------------

_STATIC_NAME = re.compile(r"\b(s\d+(?:_\w+)?|step_names)\b")
_INCLUDE = re.compile(r"^(#include.*|#pragma once)$", re.MULTILINE)


def _array(name: str, data: bytes) -> str:
    body = ",".join(str(b) for b in data) or "0"
    return f"static const unsigned char {name}[] = {{{body}}};\n"


def _case_source(case: Case, compiled: CompiledModel, prefix: str) -> str:
    """The generated model with file-level names made unique, and its vectors."""
    header, source = (compiled.files[n].decode() for n in ("model.h", "model.c"))
    text = _STATIC_NAME.sub(rf"{prefix}_\1", _INCLUDE.sub("", source))
    text = _INCLUDE.sub("", header) + text
    for direction, vectors in (("in", case.inputs), ("out", case.outputs)):
        flat = b"".join(data for vector in vectors for data in vector)
        text += _array(f"{prefix}_vectors_{direction}", flat)
    return text


def _case_row(case: Case, prefix: str, macro: str) -> str:
    return (
        f'{{"{case.name}", {prefix}_inputs, {macro}_INPUT_COUNT, {prefix}_outputs, '
        f"{macro}_OUTPUT_COUNT, {macro}_ARENA_BYTES, {len(case.inputs)}, "
        f"{prefix}_vectors_in, {prefix}_vectors_out, {prefix}_invoke}},\n"
    )


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Files of one test program.

    Attributes:
        sources: C files to compile.
        n_cases: Models in it.
        refused: Cases left out, with the reason.
    """

    sources: tuple[Path, ...]
    n_cases: int
    refused: tuple[str, ...]


def write_batch(
    cases: list[Case], target: Target, folder: Path, tuning: Tuning = DEFAULT_TUNING
) -> Batch:
    """Generate all cases for a target into one C file, beside the kernels they use."""
    parts = ['#include "cases.h"\n#include "tgk/kernels.h"\n']
    rows, refused, kernels = [], [], set()
    for number, case in enumerate(cases):
        prefix = f"c{number}"
        try:
            if case.refused:
                raise NotCompilableError(case.refused, hint="")
            compiled = compile_model(case.model, target, prefix=prefix, tuning=tuning)
        except NotCompilableError as error:
            refused.append(f"{case.name}: {error.message}")
            continue
        parts.append(_case_source(case, compiled, prefix))
        rows.append(_case_row(case, prefix, prefix.upper()))
        kernels.update(compiled.sources[1:])
        for path, data in compiled.files.items():
            if "/" in path:
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).write_bytes(data)
    parts.append(f"const test_case test_cases[] = {{\n{''.join(rows)}}};\n")
    parts.append(f"const int32_t test_case_count = {len(rows)};\n")
    (folder / "cases.c").write_text("\n".join(parts))
    return Batch(
        sources=(
            folder / "cases.c",
            HARNESS / "run_cases.c",
            *(folder / k for k in sorted(kernels)),
        ),
        n_cases=len(rows),
        refused=tuple(refused),
    )
