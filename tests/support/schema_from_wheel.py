"""Derives ``tflm_gen/model/tables/schema.json`` from the schema bindings of the pinned wheel.

Our reader does not import those bindings: it needs slots, kinds and defaults as data. Run as a
program, this module writes the table again; a test compares it with the committed one.
"""

from __future__ import annotations

import ast
import importlib.util
import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

TABLE_PATH = Path(__file__).parents[2] / "tflm_gen" / "model" / "tables" / "schema.json"

# The bindings drop enum types; these are the schema's.
ENUM_FIELDS = {
    "padding": "Padding",
    "fused_activation_function": "ActivationFunctionType",
    "weights_format": "FullyConnectedOptionsWeightsFormat",
    "quantized_bias_type": "TensorType",
    "in_data_type": "TensorType",
    "out_data_type": "TensorType",
    "out_type": "TensorType",
    "output_type": "TensorType",
    "idx_out_type": "TensorType",
    "key_dtype": "TensorType",
    "value_dtype": "TensorType",
    "combiner": "CombinerType",
    "kernel_type": "LSTMKernelType",
    "reduce_function": "ReduceWindowFunction",
    "comparison_direction": "StablehloComparisonDirection",
    "compare_type": "StablehloComparisonType",
    "algorithm": "RngAlgorithm",
    "custom_options_format": "CustomOptionsFormat",
}
ENUM_FIELDS_OF_TABLE = {
    ("Tensor", "type"): "TensorType",
    ("VariantSubType", "type"): "TensorType",
    ("LSHProjectionOptions", "type"): "LSHProjectionType",
    ("MirrorPadOptions", "mode"): "MirrorPadMode",
    ("DimensionMetadata", "format"): "DimensionType",
}
NOT_ENUM = {("StablehloPadOptions", "padding"), ("StablehloConvolutionOptions", "padding")}
SCALARS = {
    "BoolFlags": "bool",
    "Int8Flags": "i8",
    "Uint8Flags": "u8",
    "Int16Flags": "i16",
    "Uint16Flags": "u16",
    "Int32Flags": "i32",
    "Uint32Flags": "u32",
    "Int64Flags": "i64",
    "Uint64Flags": "u64",
    "Float32Flags": "f32",
    "Float64Flags": "f64",
}


def load_bindings() -> ModuleType:
    """Import the schema bindings by file, which does not load the compiled interpreter."""
    package = importlib.util.find_spec("tflite_micro")
    assert package is not None
    assert package.submodule_search_locations is not None
    root = Path(package.submodule_search_locations[0])
    path = root / "tensorflow/lite/micro/python/schema_py_generated.py"
    name = "tflite_schema_bindings"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def snake_case(name: str) -> str:
    """``DilationWFactor`` -> ``dilation_w_factor``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def derive_schema() -> dict[str, object]:
    """Enums, unions and tables of the bindings, as the committed JSON holds them."""
    bindings = load_bindings()
    assert bindings.__file__ is not None
    source = Path(bindings.__file__).read_text(encoding="utf-8")
    tree, lines = ast.parse(source), source.splitlines()
    enums: dict[str, dict[str, int]] = {}
    tables: dict[str, list[list[object]]] = {}
    for node in tree.body:
        if not isinstance(node, ast.ClassDef) or node.name.endswith("T"):
            continue
        methods = [item for item in node.body if isinstance(item, ast.FunctionDef)]
        if methods:
            tables[node.name] = _table_fields(node.name, methods, lines)
        else:
            enums[node.name] = {
                item.targets[0].id: item.value.value
                for item in node.body
                if isinstance(item, ast.Assign)
                and isinstance(item.targets[0], ast.Name)
                and isinstance(item.value, ast.Constant)
            }
    unions = {
        name: enums.pop(name)
        for name in (
            "BuiltinOptions",
            "BuiltinOptions2",
            "QuantizationDetails",
            "SparseIndexVector",
        )
    }
    return {
        "enums": {name: _dense(values) for name, values in sorted(enums.items())},
        "unions": {name: _dense(values) for name, values in sorted(unions.items())},
        "tables": dict(sorted(tables.items())),
    }


def _dense(values: dict[str, int]) -> list[str | None]:
    names: list[str | None] = [None] * (max(values.values()) + 1)
    for name, number in values.items():
        names[number] = name
    return names


def _table_fields(
    table: str, methods: list[ast.FunctionDef], lines: list[str]
) -> list[list[object]]:
    fields: list[list[object]] = []
    names = {method.name for method in methods}
    for method in methods:
        body = "\n".join(lines[method.lineno - 1 : method.end_lineno])
        helper = re.fullmatch(r"(\w+?)(AsNumpy|Length|IsNone)", method.name)
        if helper and helper[1] in names:
            continue
        slot = re.search(r"self\._tab\.Offset\((\d+)\)", body)
        if slot is None:
            continue
        name = snake_case(method.name)
        fields.append([(int(slot[1]) - 4) // 2, name, *_field_kind(table, name, body)])
    return sorted(fields, key=lambda field: int(str(field[0])))


def _field_kind(table: str, name: str, body: str) -> list[object]:
    vector = "_tab.Vector(" in body
    target = re.search(r"obj = (\w+)\(\)", body)
    if "_tab.Union(" in body:
        return ["union", _union_of(table, name)]
    if "_tab.String(" in body:
        return ["strings" if vector else "string"]
    if target:
        return ["tables" if vector else "table", target[1]]
    scalar = SCALARS[re.findall(r"number_types\.(\w+Flags), ", body)[0]]
    if vector:
        return ["vector", scalar]
    default = ast.literal_eval(re.findall(r"return (\S+)$", body, re.M)[-1])
    enum = ENUM_FIELDS_OF_TABLE.get((table, name)) or ENUM_FIELDS.get(name)
    if (table, name) in NOT_ENUM or scalar not in ("i8", "u8", "i32", "u32"):
        enum = None
    return ["scalar", scalar, default, *([enum] if enum else [])]


def _union_of(table: str, name: str) -> str:
    if table == "Operator":
        return {"builtin_options": "BuiltinOptions", "builtin_options2": "BuiltinOptions2"}[name]
    if table == "QuantizationParameters":
        return "QuantizationDetails"
    return "SparseIndexVector"


def schema_text() -> str:
    """The committed JSON's text: one line per table, so that a schema change reads as a diff."""
    schema = derive_schema()
    parts = []
    for section, entries in schema.items():
        assert isinstance(entries, dict)
        lines = ",\n".join(
            f"    {json.dumps(name)}: {json.dumps(value)}" for name, value in entries.items()
        )
        parts.append(f"  {json.dumps(section)}: {{\n{lines}\n  }}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


if __name__ == "__main__":
    TABLE_PATH.write_text(schema_text(), encoding="utf-8")
