"""Every zoo model runs on TFLM's own interpreter, and its outputs carry information."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from tests.support.zoo import ZOO
from tflm_gen.process import CommandLine, run

ROOT = Path(__file__).parents[3]

# The interpreter may crash on a wrong model, so it runs in a process of its own.
_SCRIPT = """
import sys
import numpy as np
from tflite_micro import runtime
data = open(sys.argv[1], "rb").read()
interpreter = runtime.Interpreter.from_bytes(data, arena_size=1_000_000)
rng = np.random.default_rng(0)
results = []
for _ in range(2):
    for index in range(int(sys.argv[3])):
        details = interpreter.get_input_details(index)
        shape, dtype = details["shape"], details["dtype"]
        if np.issubdtype(dtype, np.floating):
            values = rng.normal(0, 1, shape).astype(dtype)
        else:
            info = np.iinfo(dtype)
            values = rng.integers(info.min, info.max, shape, endpoint=True).astype(dtype)
        interpreter.set_input(values, index)
    interpreter.invoke()
    results.append([interpreter.get_output(i) for i in range(int(sys.argv[4]))])
np.savez(sys.argv[2], *(array for result in results for array in result))
"""


@pytest.mark.parametrize("name", ZOO)
def test_zoo_model_runs_on_tflm(name: str, tmp_path: Path) -> None:
    from tflm_gen.model.reader import parse_model

    data = ZOO[name]()
    model = parse_model(data, f"{name}.tflite")
    path = tmp_path / "model.tflite"
    path.write_bytes(data)
    counts = (str(len(model.inputs)), str(len(model.outputs)))
    result = run(
        CommandLine(
            argv=(sys.executable, "-c", _SCRIPT, str(path), str(tmp_path / "out.npz"), *counts),
            purpose="run a zoo model",
            timeout_s=60,
        )
    )
    assert result.returncode == 0, result.text
    with np.load(tmp_path / "out.npz") as arrays:
        outputs = [arrays[key] for key in arrays]
    half = len(outputs) // 2
    assert [tuple(array.shape) for array in outputs[:half]] == [t.shape for t in model.outputs]
    # Other inputs give other outputs, and they are not stuck at one value.
    assert any(
        not np.array_equal(a, b) for a, b in zip(outputs[:half], outputs[half:], strict=True)
    )
    assert all(np.unique(array).size > 1 or array.size <= 2 for array in outputs)
