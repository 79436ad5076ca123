"""What a caller of the quantized model must know of its inputs and outputs (runs in the child)."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from tflm_gen.quantize.ptq import float_interpreter, named_details


def io_facts(model: bytes) -> bytes:
    """Name, shape, type, scale and zero point of every input and output, in the model's order.

    The file's own tensors say the same but for the names: a clean-up may drop those, and the
    names that the float model's inputs had are in its signature only.
    """
    interpreter = float_interpreter(model)
    facts = {
        f"{side}s": [
            {
                "name": name,
                "shape": [int(d) for d in detail["shape"]],
                "dtype": np.dtype(detail["dtype"]).name,
                **_scale(detail),
            }
            for name, detail in named_details(interpreter, side).items()
        ]
        for side in ("input", "output")
    }
    return json.dumps(facts, sort_keys=True).encode()


def _scale(detail: dict[str, Any]) -> dict[str, float | int]:
    scale, zero_point = detail["quantization"]
    if scale == 0:  # A float tensor.
        return {}
    return {"scale": float(scale), "zero_point": int(zero_point)}
