"""Sizes of TFLite's data types."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tflm_gen.model.records import TensorSpec

# Bits of one element; types below eight bits are packed, the rest has no fixed size.
DTYPE_BITS = MappingProxyType(
    {
        "int2": 2,
        "int4": 4,
        "uint4": 4,
        "bool": 8,
        "int8": 8,
        "uint8": 8,
        "float8_e4m3fn": 8,
        "float8_e5m2": 8,
        "int16": 16,
        "uint16": 16,
        "float16": 16,
        "bfloat16": 16,
        "int32": 32,
        "uint32": 32,
        "float32": 32,
        "int64": 64,
        "uint64": 64,
        "float64": 64,
        "complex64": 64,
        "complex128": 128,
    }
)


def tensor_bytes(tensor: TensorSpec) -> int | None:
    """Bytes a tensor's elements take, or None for strings, resources and variants."""
    bits = DTYPE_BITS.get(tensor.dtype)
    return None if bits is None else -(-tensor.n_elements * bits // 8)
