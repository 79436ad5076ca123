"""bakenn in our firmware: the same ports, commands and vectors, only the model's code is its own.

It is asked in a child process, and only if it is installed beside tflm-gen.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import io
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tflm_gen import resources
from tflm_gen.compiled.emit import model_text, render_model
from tflm_gen.compiled.generate import DEFAULT_PREFIX, CompiledModel
from tflm_gen.compiled.ir import Call, Operand, Program, Step, Struct, Target, Tuning
from tflm_gen.compiled.lowering.graph import Graph
from tflm_gen.compiled.memory import MemoryPlan
from tflm_gen.errors import NotCompilableError, UnsupportedModelError
from tflm_gen.model.graph import read_document, write_document
from tflm_gen.model.tree import TableValue
from tflm_gen.oracle.messages import MessageError, pack, unpack
from tflm_gen.process import CommandLine, run
from tflm_gen.project.compiled import CompiledPart
from tflm_gen.units import align_up

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tflm_gen.board_loader import Board
    from tflm_gen.model.graph import GraphOperator, GraphTensor
    from tflm_gen.model.records import Model

PACKAGE = "bakenn"
PORTABLE, CMSIS_NN = "portable C", "cmsis-nn"
_TIMEOUT_S = 120.0
_ALIGN_BYTES = 16
_HINT = "This is what bakenn itself says of the model."
# Its CMSIS-NN kernels are for Armv7E-M with the DSP extension.
_CMSIS_NN_CORES = ("cortex-m4", "cortex-m7")
INCLUDE_FOLDERS = ("", "/third_party/cmsis_nn/Include", "/third_party/cmsis_core/Include")
DEFINITION = "BAKENN_CMSIS_NN_BUILTIN_MEMORY"
_ADAPTER = "include/tgk/kernels.h"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bakenn:
    """One way to compile with bakenn.

    Attributes:
        kernels: Its portable C, or the CMSIS-NN it brings along.
        version: The package's version.
    """

    kernels: str
    version: str

    def compile_part(self, model: Model, board: Board) -> CompiledPart:
        """The model as bakenn's C behind the compiled engine's interface, or its refusal.

        Args:
            model: The model.
            board: Where it shall run.
        """
        _ = board
        try:
            return CompiledPart(model=compile_model(model, self.kernels), obstacle=None)
        except NotCompilableError as obstacle:
            return CompiledPart(model=None, obstacle=obstacle)


def installed(core: str) -> tuple[Bakenn, ...]:
    """The ways to compile for a core that are there; none if the package is not installed."""
    if importlib.util.find_spec(PACKAGE) is None:
        return ()
    version = importlib.metadata.version(PACKAGE)
    has_dsp = core.startswith(_CMSIS_NN_CORES)
    kernels = (PORTABLE, CMSIS_NN) if has_dsp else (PORTABLE,)
    return tuple(Bakenn(kernels=name, version=version) for name in kernels)


def with_reshape_options(model: Model) -> bytes:
    """The file as bakenn reads it: every RESHAPE repeats its shape in its options.

    Converters and TFLite leave them out, where the second input says the same.

    Raises:
        UnsupportedModelError: If the file cannot be written again.
    """
    document = read_document(model)

    def filled(operator: GraphOperator, tensors: Sequence[GraphTensor]) -> GraphOperator:
        if operator.op != "RESHAPE" or operator.options is not None:
            return operator
        shape = tensors[operator.outputs[0]].shape
        return replace(operator, options=TableValue("ReshapeOptions", {"new_shape": shape}))

    graphs = tuple(
        replace(graph, operators=tuple(filled(op, graph.tensors) for op in graph.operators))
        for graph in document.graphs
    )
    return write_document(replace(document, graphs=graphs))


def compile_model(model: Model, kernels: str) -> CompiledModel:
    """Asks the child, and puts what it answers behind our interface.

    Args:
        model: The model, as its converter wrote it.
        kernels: Its portable C, or CMSIS-NN.

    Raises:
        NotCompilableError: With bakenn's own message.
    """
    if len(model.main.inputs) != 1 or len(model.main.outputs) != 1:
        raise NotCompilableError("bakenn: models have one input and one output", hint=_HINT)
    try:
        flatbuffer = with_reshape_options(model)
    except UnsupportedModelError as error:
        raise NotCompilableError(f"bakenn: {error.message}", hint=_HINT) from error
    completed = run(
        CommandLine(
            argv=(sys.executable, "-m", "tflm_gen.peers.bakenn_worker"),
            purpose="compile the model with bakenn",
            timeout_s=_TIMEOUT_S,
            stdin=pack({"kernels": kernels}, [flatbuffer]),
        )
    )
    try:
        answer = unpack(io.BytesIO(completed.stdout))
    except MessageError as error:
        last = completed.text.strip().splitlines()[-1:] or ["it said nothing"]
        raise NotCompilableError(f"bakenn: {last[0]}", hint=_HINT) from error
    if "refused" in answer.header:
        raise NotCompilableError(f"bakenn: {answer.text('refused')}", hint=_HINT)
    names = answer.header["files"]
    assert isinstance(names, list)
    theirs = {str(name): data for name, data in zip(names, answer.blobs, strict=True)}
    return _behind_our_interface(model, theirs, answer.integer("arena_bytes"))


def _behind_our_interface(
    model: Model, theirs: Mapping[str, bytes], arena_bytes: int
) -> CompiledModel:
    """One step that calls bakenn's function; input and output lie behind its arena."""
    graph = Graph(model, Target.PORTABLE, Tuning())
    source, out = graph.value(model.main.inputs[0]), graph.value(model.main.outputs[0])
    program = Program(
        target=Target.PORTABLE,
        values={source.id: source, out.id: out},
        steps=(_step(model, source.id, out.id, arena_bytes),),
        inputs=model.main.inputs,
        outputs=model.main.outputs,
    )
    first = _aligned(arena_bytes)
    second = first + _aligned(source.n_bytes)
    total = second + _aligned(out.n_bytes)
    memory = MemoryPlan(
        arena_bytes=total,
        lower_bound_bytes=total,
        value_offsets={source.id: first, out.id: second},
        scratch_offsets={0: 0},
        in_place=(),
    )
    text = model_text(
        program,
        memory,
        prefix=DEFAULT_PREFIX,
        model_name=model.name,
        model_sha256=model.sha256,
    )
    header, code = render_model(text)
    root = resources.firmware_templates_dir()
    sources = ("model.c", *(name for name in theirs if name.endswith(".c")))
    files = {
        **theirs,
        "model.h": header,
        "model.c": code,
        "sources.cmake": _sources_cmake(sources),
        _ADAPTER: (root / "peers" / PACKAGE / _ADAPTER).read_bytes(),
        "include/tgk/model.h": (root / "compiled" / "include" / "tgk" / "model.h").read_bytes(),
    }
    return CompiledModel(program=program, memory=memory, files=files, sources=sources)


def _step(model: Model, source: int, out: int, arena_bytes: int) -> Step:
    call = Call(
        kernel="tgk_run_bakenn",
        source="",
        params_type="tgk_bakenn",
        params=Struct(members={"arena_bytes": arena_bytes}),
        operands=(
            Operand(value_id=None, c_type="uint8_t", is_output=True),
            Operand(value_id=source),
            Operand(value_id=out, is_output=True),
        ),
    )
    return Step(
        operators=tuple(op.index for op in model.main.operators),
        op=PACKAGE,
        inputs=(source,),
        outputs=(out,),
        calls=(call,),
        scratch_bytes=max(arena_bytes, 1),
    )


def _aligned(n_bytes: int) -> int:
    return align_up(n_bytes, _ALIGN_BYTES)


def _sources_cmake(sources: Sequence[str]) -> bytes:
    """Their files keep their own warnings, include folders and switches."""
    listed = "".join(f"  {path}\n" for path in sources)
    theirs = "".join(f"  compiled/{path}\n" for path in sources if path != "model.c")
    root = "${CMAKE_CURRENT_SOURCE_DIR}/compiled"
    includes = ";".join(f"{root}{folder}" for folder in INCLUDE_FOLDERS)
    return (
        f"set(ECG_COMPILED_SOURCES\n{listed})\n"
        f"set_source_files_properties(\n{theirs}  PROPERTIES\n"
        '  COMPILE_OPTIONS "-w"\n'
        f"  COMPILE_DEFINITIONS {DEFINITION}\n"
        f'  INCLUDE_DIRECTORIES "{includes}")\n'
    ).encode()
