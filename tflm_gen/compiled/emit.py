"""The generated C: text of constants, parameter structs and the call plan, filled into templates."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tflm_gen import resources
from tflm_gen.compiled.ir import Struct, Table
from tflm_gen.compiled.tables import Affine

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tflm_gen.compiled.ir import Call, Field, Operand, Program, Step, Value
    from tflm_gen.compiled.memory import MemoryPlan

_LINE_WIDTH = 80
_MAX_DIMS = 8
_NAME_LIMIT = 40
_INT32_MIN_TEXT = "INT32_MIN"


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorText:
    """One input or output in the generated descriptor table."""

    name: str
    dtype: str
    dims: tuple[int, ...]
    n_bytes: int
    scale: str
    zero_point: int
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TableText:
    """One constant array."""

    name: str
    c_type: str
    count: int
    lines: tuple[str, ...]
    comment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallText:
    """One kernel call: parameter struct (name, type, initializer lines) and argument list."""

    kernel: str
    params_name: str
    params_type: str
    params_lines: tuple[str, ...]
    arguments: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepText:
    """One step of the call plan."""

    index: int
    op: str
    operators: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    scratch: str
    calls: tuple[CallText, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelText:
    """Fills ``model.h`` and ``model.c``.

    Attributes:
        prefix: Start of every external C name.
        macro: The prefix in capitals.
        model_name: For comments.
        model_sha256: Of the .tflite file.
        target: Instruction set of the kernels.
        guard: Preprocessor symbol the compiler must define for it, or "".
        arena_bytes: Memory for activations and scratch.
        lower_bound_bytes: No plan needs less.
        inputs: Descriptors.
        outputs: Descriptors.
        tables: Constants.
        steps: Call plan.
    """

    prefix: str
    macro: str
    model_name: str
    model_sha256: str
    target: str
    guard: str
    arena_bytes: int
    lower_bound_bytes: int
    inputs: tuple[TensorText, ...]
    outputs: tuple[TensorText, ...]
    tables: tuple[TableText, ...]
    steps: tuple[StepText, ...]


def integer_text(value: int) -> str:
    """An int as a C constant expression of its own size (-2^31 has no literal)."""
    return _INT32_MIN_TEXT if value == -(2**31) else str(value)


def float_text(value: float) -> str:
    """A float32 as an exact C literal."""
    return f"{value.hex()}F"


def wrapped(items: Sequence[str], indent: str) -> tuple[str, ...]:
    """Items with commas, as many per line as fit."""
    lines: list[str] = []
    line = indent
    for item in items:
        piece = f"{item}," if line == indent else f" {item},"
        if len(line) + len(piece) > _LINE_WIDTH and line != indent:
            lines.append(line)
            line, piece = indent, f"{item},"
        line += piece
    if line != indent:
        lines.append(line)
    return tuple(lines)


class _TableNames:
    """Gives equal constants one array, named after their first use."""

    def __init__(self) -> None:
        self.names: dict[tuple[str, object], str] = {}
        self.texts: list[TableText] = []

    def name_of(self, table: Table, step: int, call: int, op: str) -> str:
        key = (table.c_type, table.rows)
        if key not in self.names:
            suffix = f"_{call}" if call else ""
            name = f"s{step}{suffix}_{table.role}"
            self.names[key] = name
            self.texts.append(_table_text(table, name, f"Step {step} ({op}): {table.role}."))
        return self.names[key]


def _row_text(row: int | tuple[int, ...]) -> str:
    if isinstance(row, tuple):
        return "{" + ", ".join(integer_text(v) for v in row) + "}"
    return integer_text(row)


def _table_text(table: Table, name: str, comment: str) -> TableText:
    if table.c_type == "uint32_t":
        items = [f"0x{row:08x}U" for row in table.rows if isinstance(row, int)]
    else:
        items = [_row_text(row) for row in table.rows]
    return TableText(
        name=name,
        c_type=table.c_type,
        count=len(items),
        lines=wrapped(items, "    "),
        comment=comment,
    )


def _struct_lines(
    struct: Struct, names: _TableNames, place: tuple[int, int, str], depth: int = 1
) -> Iterator[str]:
    indent = "    " * depth
    for member, field in struct.members.items():
        if isinstance(field, Struct):
            yield f"{indent}.{member} ="
            yield f"{indent}    {{"
            yield from _struct_lines(field, names, place, depth + 2)
            yield f"{indent}    }},"
        else:
            yield f"{indent}.{member} = {_field_text(field, names, place)},"


def _field_text(field: Field, names: _TableNames, place: tuple[int, int, str]) -> str:
    match field:
        case Table():
            return names.name_of(field, *place)
        case tuple():
            return "{" + ", ".join(integer_text(v) for v in field) + "}"
        case float():
            return float_text(field)
        case int():
            return integer_text(field)
        case _:
            raise TypeError(f"no C text for {type(field).__name__}")


def _call_text(
    call: Call, names: _TableNames, place: tuple[int, int, str], pointers: Sequence[str]
) -> CallText:
    step, position, _ = place
    suffix = f"_{position}" if position else ""
    return CallText(
        kernel=call.kernel,
        params_name=f"s{step}{suffix}",
        params_type=call.params_type,
        params_lines=tuple(_struct_lines(call.params, names, place)),
        arguments=tuple(pointers),
    )


class _Emitter:
    def __init__(self, program: Program, memory: MemoryPlan) -> None:
        self.program = program
        self.memory = memory
        self.names = _TableNames()

    def describe(self, value_id: int) -> str:
        """A value in words: name, shape, place."""
        value = self.program.values[value_id]
        shape = "x".join(str(d) for d in value.shape) or "scalar"
        offset = self.memory.value_offsets.get(value_id)
        place = "constant" if offset is None else f"at {offset}"
        name = value.name or "unnamed"
        if len(name) > _NAME_LIMIT:
            name = f"...{name[-_NAME_LIMIT:]}"
        return f"[{value_id}] {value.dtype} {shape} {place}: {name}"

    def pointer(self, operand: Operand, step: int, op: str) -> str:
        """A C expression for a pointer argument."""
        qualifier = "" if operand.is_output else "const "
        if operand.value_id is None:
            offset = self.memory.scratch_offsets[step]
            return f"({operand.c_type}*)(memory + {offset})"
        start = self.memory.value_offsets.get(operand.value_id)
        cast = f"({qualifier}{operand.c_type}*)"
        if start is not None:
            return f"{cast}(memory + {start + operand.offset_bytes})"
        table = self.constant_table(operand.value_id)
        name = self.names.name_of(table, step, 0, op)
        return f"{cast}({name} + {operand.offset_bytes})" if operand.offset_bytes else name

    def constant_table(self, value_id: int) -> Table:
        """A constant operand's data."""
        root = self.program.values[self.program.root(value_id)]
        data = root.constant or b""
        rows = tuple(b - 256 if b > 127 else b for b in data)
        return Table(role=f"tensor_{value_id}", c_type="int8_t", rows=rows)

    def step(self, index: int, step: Step) -> StepText:
        """One step with its constants registered."""
        calls = []
        for position, call in enumerate(step.calls):
            place = (index, position, step.op)
            pointers = [self.pointer(o, index, step.op) for o in call.operands]
            calls.append(_call_text(call, self.names, place, pointers))
        scratch = ""
        if step.scratch_bytes:
            offset = self.memory.scratch_offsets[index]
            scratch = f"{step.scratch_bytes} bytes at {offset}"
        operands = [o for call in step.calls for o in call.operands if o.value_id is not None]
        reads = dict.fromkeys(o.value_id for o in operands if not o.is_output)
        writes = dict.fromkeys(o.value_id for o in operands if o.is_output)
        return StepText(
            index=index,
            op=step.op,
            operators=", ".join(str(i) for i in step.operators),
            reads=tuple(self.describe(i) for i in reads if i is not None),
            writes=tuple(self.describe(i) for i in writes if i is not None),
            scratch=scratch,
            calls=tuple(calls),
        )

    def tensor(self, value: Value) -> TensorText:
        """Descriptor of an input or output."""
        affine = value.affine or Affine(scale=0.0, zero_point=0)
        return TensorText(
            name=value.name,
            dtype=value.dtype,
            dims=value.shape[:_MAX_DIMS],
            n_bytes=value.n_bytes,
            scale=float_text(affine.scale),
            zero_point=affine.zero_point,
            offset=self.memory.value_offsets[value.id],
        )


# The _dsp kernels have plain C for other cores, which tests use; the _mve kernels do not.
_GUARDS = {"portable": "", "dsp": "", "mve": "__ARM_FEATURE_MVE"}


def model_text(
    program: Program, memory: MemoryPlan, *, prefix: str, model_name: str, model_sha256: str
) -> ModelText:
    """All text of one generated model.

    Args:
        program: The lowered model.
        memory: Its plan.
        prefix: Start of every external C name; a C identifier.
        model_name: For comments.
        model_sha256: Of the .tflite file.
    """
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", prefix):
        raise ValueError(f"{prefix!r} is not a C identifier")
    emitter = _Emitter(program, memory)
    steps = tuple(emitter.step(index, step) for index, step in enumerate(program.steps))
    return ModelText(
        prefix=prefix,
        macro=prefix.upper(),
        model_name=model_name,
        model_sha256=model_sha256,
        target=program.target.value,
        guard=_GUARDS[program.target.value],
        arena_bytes=memory.arena_bytes,
        lower_bound_bytes=memory.lower_bound_bytes,
        inputs=tuple(emitter.tensor(program.values[i]) for i in program.inputs),
        outputs=tuple(emitter.tensor(program.values[i]) for i in program.outputs),
        tables=tuple(emitter.names.texts),
        steps=steps,
    )


def render_model(text: ModelText) -> tuple[bytes, bytes]:
    """The bytes of ``model.h`` and ``model.c``."""
    import dataclasses

    from tflm_gen.project.render import make_environment

    folder = resources.firmware_templates_dir() / "compiled" / "generated"
    environment = make_environment(folder)
    fields = {f.name: getattr(text, f.name) for f in dataclasses.fields(text)}
    header, source = (
        environment.get_template(name).render(fields).encode("utf-8")
        for name in ("model.h.j2", "model.c.j2")
    )
    return header, source
