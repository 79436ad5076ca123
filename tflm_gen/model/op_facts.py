"""Facts about TFLite operators that the schema does not say, as data."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

# Option tables an operator's kernel reads without asking; the first is the usual one. Operators
# that are not listed run with default options.
OPTIONS_OF_OP: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "AVERAGE_POOL_2D": ("Pool2DOptions",),
        "MAX_POOL_2D": ("Pool2DOptions",),
        "L2_POOL_2D": ("Pool2DOptions",),
        "CONV_2D": ("Conv2DOptions",),
        "DEPTHWISE_CONV_2D": ("DepthwiseConv2DOptions",),
        "CONV_3D": ("Conv3DOptions",),
        "CONV_3D_TRANSPOSE": ("Conv3DOptions",),
        "TRANSPOSE_CONV": ("TransposeConvOptions",),
        "CONCATENATION": ("ConcatenationOptions", "ConcatEmbeddingsOptions"),
        "FULLY_CONNECTED": ("FullyConnectedOptions",),
        "SOFTMAX": ("SoftmaxOptions",),
        "DEPTH_TO_SPACE": ("DepthToSpaceOptions",),
        "SPACE_TO_DEPTH": ("SpaceToDepthOptions",),
        "STRIDED_SLICE": ("StridedSliceOptions",),
        "SPLIT": ("SplitOptions",),
        "SPLIT_V": ("SplitVOptions",),
        "PACK": ("PackOptions",),
        "UNPACK": ("UnpackOptions",),
        "SVDF": ("SVDFOptions",),
        "IF": ("IfOptions",),
        "WHILE": ("WhileOptions",),
        "CALL_ONCE": ("CallOnceOptions",),
        "UNIDIRECTIONAL_SEQUENCE_LSTM": ("UnidirectionalSequenceLSTMOptions",),
        "BIDIRECTIONAL_SEQUENCE_LSTM": ("BidirectionalSequenceLSTMOptions",),
    }
)

# Kernels divide by these.
POSITIVE_OPTIONS = frozenset(
    {
        "stride_w",
        "stride_h",
        "stride_d",
        "dilation_w_factor",
        "dilation_h_factor",
        "dilation_d_factor",
        "filter_width",
        "filter_height",
        "block_size",
        "num_splits",
    }
)

# Inputs an operator's kernel takes without asking whether they are there; all others take one.
_INPUT_COUNTS = {
    0: "VAR_HANDLE CALL_ONCE CALL WHILE DELEGATE PLACEHOLDER_FOR_GREATER_OP_CODES CONCAT_EMBEDDINGS",
    2: "ADD SUB MUL DIV MAXIMUM MINIMUM SQUARED_DIFFERENCE POW FLOOR_DIV FLOOR_MOD EQUAL NOT_EQUAL "
    "GREATER GREATER_EQUAL LESS LESS_EQUAL LOGICAL_AND LOGICAL_OR PRELU MEAN SUM REDUCE_PROD "
    "REDUCE_MAX REDUCE_MIN REDUCE_ANY REDUCE_ALL ARG_MAX ARG_MIN TRANSPOSE EXPAND_DIMS PAD "
    "MIRROR_PAD BATCH_MATMUL GATHER GATHER_ND SPLIT TILE BROADCAST_TO BROADCAST_ARGS FILL "
    "RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR CUMSUM CONV_2D DEPTHWISE_CONV_2D CONV_3D "
    "FULLY_CONNECTED REVERSE_V2 EMBEDDING_LOOKUP ASSIGN_VARIABLE ATAN2 TOPK_V2",
    3: "TRANSPOSE_CONV CONV_3D_TRANSPOSE SLICE SPACE_TO_BATCH_ND BATCH_TO_SPACE_ND PADV2 SELECT "
    "SELECT_V2 SPLIT_V DYNAMIC_UPDATE_SLICE RANGE SVDF",
    4: "STRIDED_SLICE ONE_HOT",
}
MIN_INPUTS: Mapping[str, int] = MappingProxyType(
    {op: count for count, ops in _INPUT_COUNTS.items() for op in ops.split()}
)

# Operators that may have no output.
NO_OUTPUT_OPS = frozenset({"ASSIGN_VARIABLE", "CALL_ONCE", "CALL", "WHILE", "IF", "DELEGATE"})

# Operators of which this tool knows no more than the name.
FREE_FORM_PREFIXES = ("CUSTOM:", "BUILTIN:", "STABLEHLO_")
