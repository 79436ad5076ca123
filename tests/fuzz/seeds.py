"""Small valid files to start from: every operator family, two subgraphs, state, control flow."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.fuzz.rare_operators import rare_files
from tests.support.graph_builder import pack, unpack
from tests.support.rough_models import ROUGH
from tests.support.small_model import SMALL
from tests.support.zoo import ZOO
from tests.support.zoo_features import FEATURES

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "converter"
_MAX_BYTES = 20_000
_TOPOLOGIES = [
    "binary_logistic",
    "depthwise_multiplier",
    "lead_split",
    "elementwise",
    "activations",
    "reductions",
    "float_io",
    "mlp_int16x8",
    "two_leads_two_outputs",
    "tcn_space_to_batch",
    "autoencoder",
    "attention",
    "float_island",
]
_FEATURES = [
    "lstm_int8_false",
    "svdf_int8_int8",
    "while_loop",
    "if_branch",
    "resource_variable",
    "dynamic_reshape",
    "conv_int8_true_true",
    "dense_int8_true_true",
    "conv_grouped_int8",
    "prelu_int8_5x",
    "matmul_3_false_false_int8",
    "second_operand_resize_bilinear_int8_constant",
    "second_operand_gather_int8_constant",
    "second_operand_broadcast_to_int8_constant",
    "second_operand_cumsum_int8_constant",
    "second_operand_arg_max_int8_constant",
    "fill_constant",
    "pool_max_pool_2d_int8_same",
    "deconvolution_int8_2x2_same",
    "concatenation_3_5_int8",
    "slice_of_4_int8",
    "strided_slice_4_int8",
    "transpose_4_int8",
    "pad_4_int8",
    "softmax_2_int8",
    "layer_norm_int8",
]


def seed_files() -> dict[str, bytes]:
    """Seeds by name."""
    topologies = {name: ZOO[name]() for name in _TOPOLOGIES}
    return {"small": SMALL, **topologies, **{name: FEATURES[name]() for name in _FEATURES}}


def every_seed_file() -> dict[str, bytes]:
    """All models that tests generate, each also with every dimension left open."""
    seeds = {"small": SMALL, **rare_files()}
    for builders in (ZOO, FEATURES, ROUGH):
        seeds.update({name: build() for name, build in builders.items()})
    seeds["lstm_while_runtime"] = (FIXTURES / "lstm_as_while.tflite").read_bytes()
    seeds = {name: data for name, data in seeds.items() if len(data) <= _MAX_BYTES}
    return {**seeds, **{f"open_{name}": with_open_shapes(data) for name, data in seeds.items()}}


def with_open_shapes(data: bytes) -> bytes:
    """The model as a converter would write it that knows no dimension: stored ones may be wrong."""
    model = unpack(data)
    for subgraph in model.subgraphs:
        for tensor in subgraph.tensors:
            if tensor.shape is not None and len(tensor.shape):
                tensor.shapeSignature = [-1] * len(tensor.shape)
    return pack(model)


if __name__ == "__main__":
    corpus = Path(sys.argv[1])
    corpus.mkdir(parents=True, exist_ok=True)
    for name, data in every_seed_file().items():
        (corpus / name).write_bytes(data)
