"""One small model for each operator that the zoo leaves out, as seeds for mutations."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.support.graph_builder import FB
from tests.support.model_builder import ModelBuilder

# Operator, shapes of the data inputs, constant operands, shapes of the results, options by field.
_Case = tuple[str, list[tuple[int, ...]], list[Any], list[tuple[int, ...]], dict[str, Any]]
_CASES: tuple[_Case, ...] = (
    *(
        (op, [(1, 3, 4)], [], [(1, 3, 4)], {})
        for op in ("CEIL", "COS", "FLOOR", "ROUND", "SIN", "ZEROS_LIKE", "SQUARE", "NEG")
    ),
    ("L2_NORMALIZATION", [(1, 3, 4)], [], [(1, 3, 4)], {}),
    ("LOG_SOFTMAX", [(1, 6)], [], [(1, 6)], {}),
    ("ADD_N", [(2, 3), (2, 3), (2, 3)], [], [(2, 3)], {}),
    ("SPLIT", [(2, 6)], [1], [(2, 3), (2, 3)], {"numSplits": 2}),
    ("SPLIT_V", [(2, 6)], [[2, 4], 1], [(2, 2), (2, 4)], {"numSplits": 2}),
    ("UNPACK", [(2, 6)], [], [(6,), (6,)], {"num": 2, "axis": 0}),
    ("DEPTH_TO_SPACE", [(1, 2, 2, 8)], [], [(1, 4, 4, 2)], {"blockSize": 2}),
    ("SPACE_TO_DEPTH", [(1, 4, 4, 2)], [], [(1, 2, 2, 8)], {"blockSize": 2}),
    ("REVERSE_V2", [(2, 3, 4)], [[1]], [(2, 3, 4)], {}),
    ("MIRROR_PAD", [(1, 6, 2)], [[[0, 0], [2, 2], [0, 0]]], [(1, 10, 2)], {"mode": 0}),
    ("GATHER_ND", [(3, 4)], [[[0, 1], [2, 3]]], [(2,)], {}),
    ("DYNAMIC_UPDATE_SLICE", [(3, 4), (1, 2)], [[1, 1]], [(3, 4)], {}),
    ("SQUEEZE", [(1, 6, 1, 2)], [], [(6, 2)], {"squeezeDims": [0, 2]}),
    (
        "L2_POOL_2D",
        [(1, 4, 4, 2)],
        [],
        [(1, 2, 2, 2)],
        {"strideH": 2, "strideW": 2, "filterHeight": 2, "filterWidth": 2},
    ),
    ("ARG_MIN", [(2, 6)], [1], [(2,)], {}),
    ("REDUCE_MIN", [(1, 3, 4)], [[2]], [(1, 3)], {}),
    ("MAXIMUM", [(1, 6), (6,)], [], [(1, 6)], {}),
    ("FLOOR_MOD", [(1, 6), (6,)], [], [(1, 6)], {}),
)
_OPTIONS = {
    "SPLIT": FB.SplitOptionsT,
    "SPLIT_V": FB.SplitVOptionsT,
    "UNPACK": FB.UnpackOptionsT,
    "DEPTH_TO_SPACE": FB.DepthToSpaceOptionsT,
    "SPACE_TO_DEPTH": FB.SpaceToDepthOptionsT,
    "MIRROR_PAD": FB.MirrorPadOptionsT,
    "SQUEEZE": FB.SqueezeOptionsT,
    "L2_POOL_2D": FB.Pool2DOptionsT,
}
_INT32_RESULTS = frozenset({"ARG_MIN"})


def rare_files() -> dict[str, bytes]:
    """Seeds by name, in float and int8; not every runtime has a kernel for each."""
    files = {
        f"rare_{case[0].lower()}_{dtype}": _build(case, dtype)
        for case in _CASES
        for dtype in ("float32", "int8")
    }
    return {**files, **_odd_files()}


def _build(case: _Case, dtype: str) -> bytes:
    op, shapes, constants, results, fields = case
    net = ModelBuilder(dtype=dtype, seed=3)
    inputs = [net.input(shape) for shape in shapes]
    inputs += [net.constant(np.array(values), "int32") for values in constants]
    if op == "SPLIT":
        inputs.reverse()
    options = _OPTIONS[op]() if op in _OPTIONS else None
    for name, value in fields.items():
        setattr(options, name, value)
    if op in _INT32_RESULTS:
        outs = [net.tensor(shape, "int32") for shape in results]
    else:
        outs = [net.like(inputs[-1 if op == "SPLIT" else 0], shape) for shape in results]
    net.operator(op, inputs, outs, options)
    return net.finish(outs)


def _odd_files() -> dict[str, bytes]:
    """Operators whose operands are of several types."""
    files = {}
    net = ModelBuilder(dtype="float32", seed=4)
    pick, x, y = net.input((2, 3), dtype="bool"), net.input((2, 3)), net.input((2, 3))
    out = net.like(x, (2, 3))
    net.operator("SELECT_V2", [pick, x, y], [out], None)
    files["rare_select_v2"] = net.finish([out])

    net = ModelBuilder(dtype="float32", seed=5)
    x = net.input((2, 3))
    small = net.tensor((2, 3), "int8")
    net.operator("CAST", [x], [small], None)
    files["rare_cast"] = net.finish([small])

    net = ModelBuilder(dtype="float32", seed=6)
    x, shape = net.input((2, 3)), net.tensor((2,), "int32")
    net.operator("SHAPE", [x], [shape], None)
    files["rare_shape"] = net.finish([shape])

    net = ModelBuilder(dtype="float32", seed=7)
    rows = net.constant(np.array([0, 2]), "int32")
    table = net.input((3, 4))
    out = net.like(table, (2, 4))
    net.operator("EMBEDDING_LOOKUP", [rows, table], [out], None)
    files["rare_embedding_lookup"] = net.finish([out])

    net = ModelBuilder(dtype="float32", seed=8)
    one, two = (net.input((2, 3), dtype="bool") for _ in range(2))
    both, none = net.tensor((2, 3), "bool"), net.tensor((2, 3), "bool")
    net.operator("LOGICAL_AND", [one, two], [both], None)
    net.operator("LOGICAL_NOT", [both], [none], None)
    files["rare_logical"] = net.finish([none])

    net = ModelBuilder(dtype="float32", seed=9)
    shapes = [net.constant(np.array(shape), "int32") for shape in ([1, 3], [2, 1])]
    out = net.tensor((2,), "int32")
    net.operator("BROADCAST_ARGS", shapes, [out], None)
    files["rare_broadcast_args"] = net.finish([out])
    return files
