from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.support.graph_builder import FB, NUMPY_TYPES, per_tensor
from tests.support.model_builder import ModelBuilder
from tests.support.schema_from_wheel import snake_case
from tests.support.zoo import ZOO
from tflm_gen.model.ops import builtin_operators, op_usage
from tflm_gen.model.reader import model_name, parse_model, read_model

if TYPE_CHECKING:
    from tflm_gen.model.records import OperatorSpec, TensorSpec

ROOT = Path(__file__).parents[3]
_DTYPES = {
    number: name.lower() for name, number in vars(FB.TensorType).items() if isinstance(number, int)
}


def wheel_example() -> Path:
    spec = importlib.util.find_spec("tflite_micro")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return Path(spec.submodule_search_locations[0]) / "python/tflite_micro/sine_float.tflite"


# --- against the wheel's bindings ---------------------------------------------------------------


def _as_list(values: Any) -> list[Any]:
    return [] if values is None else list(values)


def assert_same_tensor(tensor: TensorSpec, other: Any, buffers: list[Any]) -> None:
    assert tensor.name == (other.name or b"").decode()
    assert list(tensor.shape) == _as_list(other.shape)
    assert tensor.dtype == _DTYPES[other.type]
    assert tensor.buffer_index == other.buffer
    assert tensor.data_bytes == len(_as_list(buffers[other.buffer].data))
    assert tensor.is_variable == other.isVariable
    assert _as_list(tensor.shape_signature) == _as_list(other.shapeSignature)
    quant = other.quantization
    scales = [] if quant is None else _as_list(quant.scale)
    if not scales:
        assert tensor.quantization is None
        return
    assert tensor.quantization is not None
    assert list(tensor.quantization.scales) == scales
    assert list(tensor.quantization.zero_points) == _as_list(quant.zeroPoint)
    assert tensor.quantization.axis == quant.quantizedDimension


def plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode()
    return tuple(value) if isinstance(value, list | np.ndarray) else value


def assert_same_operator(operator: OperatorSpec, other: Any, codes: list[Any]) -> None:
    code = codes[other.opcodeIndex]
    number = max(code.builtinCode, code.deprecatedBuiltinCode)
    assert operator.builtin_code == number
    assert operator.op.split(":")[0] == builtin_operators()[number]
    assert operator.version == code.version
    assert list(operator.inputs) == _as_list(other.inputs)
    assert list(operator.outputs) == _as_list(other.outputs)
    assert list(operator.intermediates) == _as_list(other.intermediates)
    options = other.builtinOptions if other.builtinOptions is not None else other.builtinOptions2
    theirs = {} if options is None else {snake_case(k): plain(v) for k, v in vars(options).items()}
    # The bindings spell fields in camel case, which loses where a digit or capital began a word.
    ours = {name.replace("_", ""): value for name, value in operator.options.items()}
    assert set(ours) == {name.replace("_", "") for name in theirs}
    for name, value in theirs.items():
        mine = ours[name.replace("_", "")]
        if isinstance(mine, str) and isinstance(value, int):
            enums = [
                enum
                for enum in (FB.Padding, FB.ActivationFunctionType, FB.TensorType)
                if getattr(enum, mine, None) == value
            ]
            assert enums or value == 0
        else:
            assert mine == (() if value is None else value)


def assert_reads_as_the_bindings_do(data: bytes) -> None:
    model = parse_model(data, "x.tflite")
    other = FB.ModelT.InitFromPackedBuf(data)
    assert model.schema_version == other.version
    assert model.description == (other.description or b"").decode()
    assert len(model.subgraphs) == len(other.subgraphs)
    for graph, other_graph in zip(model.subgraphs, other.subgraphs, strict=True):
        assert list(graph.inputs) == _as_list(other_graph.inputs)
        assert list(graph.outputs) == _as_list(other_graph.outputs)
        assert len(graph.tensors) == len(other_graph.tensors)
        assert len(graph.operators) == len(other_graph.operators)
        for tensor, other_tensor in zip(graph.tensors, other_graph.tensors, strict=True):
            assert_same_tensor(tensor, other_tensor, other.buffers)
            buffer = other.buffers[other_tensor.buffer].data
            assert model.constant_data(tensor) == bytes(_as_list(buffer))
        for operator, other_operator in zip(graph.operators, other_graph.operators, strict=True):
            assert_same_operator(operator, other_operator, other.operatorCodes)


@pytest.mark.parametrize("name", ZOO)
def test_reads_zoo_model_as_the_bindings_do(name: str) -> None:
    assert_reads_as_the_bindings_do(ZOO[name]())


def test_reads_converter_files_as_the_bindings_do() -> None:
    for path in (wheel_example(), ROOT / "examples/ecg/ecg.tflite"):
        assert_reads_as_the_bindings_do(path.read_bytes())


# --- what was built is what is read -------------------------------------------------------------


def test_every_part_of_a_built_model_is_read_back() -> None:
    net = ModelBuilder(name="net", description="round trip")
    x = net.tensor((2, 3), "int8", quant=per_tensor(0.5, 3), name="x", signature=(-1, 3))
    net.graph.inputs.append(x)
    constant = net.constant([[1, -2, 3]], "int8", quant=per_tensor(0.25))
    y = net.tensor((2, 3), "int8", quant=per_tensor(0.125, -7), name="y")
    options = FB.AddOptionsT()
    options.fusedActivationFunction = FB.ActivationFunctionType.RELU6
    net.operator("ADD", [x, constant], [y], options, version=2)
    state = net.tensor((4,), "int16", is_variable=True, name="state")
    z = net.tensor((2, 3), "float32", name="z")
    net.operator(
        "CUSTOM",
        [y, None, state],
        [z],
        version=7,
        custom_name="MyOp",
        custom_options=b"\x01\x02",
        intermediates=[state],
    )
    net.signature("serve", {"window": x}, {"result": z, "middle": y})
    net.metadata("note", b"hello")
    model = parse_model(net.finish([y, z]), "some/dir/ECG net-2.tflite")

    assert model.name == "ECG_net_2"
    assert model.description == "round trip"
    assert model.main.name == "net"
    assert model.metadata["note"] == b"hello"
    assert [t.name for t in model.inputs] == ["x"]
    assert [t.name for t in model.outputs] == ["y", "z"]
    tensor = model.inputs[0]
    assert (tensor.shape, tensor.shape_signature, tensor.dtype) == ((2, 3), (-1, 3), "int8")
    assert tensor.quantization is not None
    assert (tensor.quantization.scales, tensor.quantization.zero_points) == ((0.5,), (3,))
    add, custom = model.main.operators
    assert (add.op, add.version, add.inputs, add.outputs) == ("ADD", 2, (0, 1), (2,))
    assert add.options["fused_activation_function"] == "RELU6"
    assert add.options_type == "AddOptions"
    assert (custom.op, custom.builtin_code, custom.custom_name) == ("CUSTOM:MyOp", 32, "MyOp")
    assert (custom.version, custom.custom_options) == (7, b"\x01\x02")
    assert custom.inputs == (2, -1, 3)
    assert custom.intermediates == (3,)
    assert model.main.tensors[3].is_variable
    assert model.constant_data(model.main.tensors[1]) == bytes([1, 254, 3])
    signature = model.signatures[0]
    assert signature.key == "serve"
    assert signature.inputs == (("window", 0),)
    assert signature.outputs == (("result", 4), ("middle", 2))
    usage = {entry.op: entry for entry in op_usage(model)}
    assert usage["ADD"].versions == (2,)
    assert usage["CUSTOM:MyOp"].dtypes == ("float32",)


def test_subgraphs_and_branches_are_read() -> None:
    model = parse_model(branching_model(), "if.tflite")
    assert [graph.name for graph in model.subgraphs] == ["main", "then", "else"]
    assert model.main.operators[0].options == {"then_subgraph_index": 1, "else_subgraph_index": 2}
    assert [graph.operators[0].op for graph in model.subgraphs] == ["IF", "ADD", "SUB"]


def branching_model() -> bytes:
    net = ModelBuilder(dtype="float32")
    condition = net.tensor((), "bool")
    net.graph.inputs.append(condition)
    x = net.input((1, 4))
    out = net.tensor((1, 4), "float32")
    options = FB.IfOptionsT()
    options.thenSubgraphIndex, options.elseSubgraphIndex = 1, 2
    net.operator("IF", [condition, x], [out], options)
    branches = []
    for name, op in (("then", "ADD"), ("else", "SUB")):
        net.start_subgraph(name)
        inner = net.input((1, 4))
        branches.append([net.binary(op, inner, inner)])
    return net.finish([out], *branches)


@pytest.mark.parametrize("dtype", sorted(NUMPY_TYPES))
def test_every_builder_type_is_read_back(dtype: str) -> None:
    net = ModelBuilder(dtype="float32")
    values = np.arange(6).reshape(2, 3) % 2
    constant = net.constant(values, dtype)
    model = parse_model(net.finish([constant]), "x")
    tensor = model.outputs[0]
    assert tensor.dtype == dtype
    assert model.constant_data(tensor) == values.astype(NUMPY_TYPES[dtype]).tobytes()


def test_all_bytes_of_the_file_are_accounted_for() -> None:
    for build in ZOO.values():
        model = parse_model(build(), "x")
        layout = model.layout
        total = (
            layout.weights_bytes
            + layout.names_bytes
            + layout.metadata_bytes
            + layout.structure_bytes
        )
        assert total == len(model.flatbuffer)
        assert min(layout.weights_bytes, layout.names_bytes, layout.structure_bytes) >= 0


def test_name_bytes_grow_by_the_length_of_a_name() -> None:
    def names_bytes(name: str) -> int:
        net = ModelBuilder()
        out = net.softmax(net.input((1, 4), name=name))
        return parse_model(net.finish([out]), "x").layout.names_bytes

    assert names_bytes("a" * 101) - names_bytes("a") == 100


def test_metadata_counts_as_metadata() -> None:
    net = ModelBuilder()
    net.metadata("big", bytes(5000))
    model = parse_model(net.finish([net.softmax(net.input((1, 4)))]), "x")
    assert model.layout.metadata_bytes == 5000
    assert model.layout.weights_bytes == 0


@pytest.mark.parametrize(
    ("file_name", "expected"),
    [
        ("ecg.tflite", "ecg"),
        ("a/b/ECG-beat v2.int8.tflite", "ECG_beat_v2_int8"),
        ("2lead.tflite", "m_2lead"),
        ("---.tflite", "model"),
        ("心電.tflite", "model"),
        ("modèle ÄÖ.tflite", "modele_AO"),
        ("x" * 300, "x" * 64),
        ("model", "model"),
    ],
)
def test_model_name_is_an_identifier(file_name: str, expected: str) -> None:
    assert model_name(file_name) == expected
    assert model_name(file_name).isidentifier()


def test_read_model_names_the_model_after_its_file(tmp_path: Path) -> None:
    path = tmp_path / "beats.tflite"
    path.write_bytes(ZOO["mlp"]())
    assert read_model(path).name == "beats"


def test_reading_needs_no_interpreter_and_no_bindings() -> None:
    script = (
        "import sys; import tflm_gen.model.reader, tflm_gen.inspection, tflm_gen.cli.inspect; "
        "print([m for m in ('tflite_micro', 'flatbuffers', 'numpy', 'tensorflow', 'rich') "
        "if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.strip() == "[]"
