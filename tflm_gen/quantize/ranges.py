"""Activation ranges other than the converter's: measured, narrowed, written into the model.

The converter calibrates by minimum and maximum only, and quantizes with whatever ranges the
calibrated model carries. So other methods need no other quantizer: the model is run once more, a
histogram of every activation is kept, and the narrower range is written in place of the widest
(runs in the child, uses TensorFlow).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tflm_gen.quantize.records import RangeChange

Arrays = Mapping[str, NDArray[np.float32]]

_BINS = 4096
_LEVELS = 255
# Shares of the widest range that the search for the least squared error tries, from both sides.
_MSE_SHARES = np.concatenate([np.arange(0.05, 1.0, 0.05), [1.0]])


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts of one tensor's values in equal bins from low to high."""

    low: float
    high: float
    counts: NDArray[np.int64]

    @property
    def centers(self) -> NDArray[np.float64]:
        """Middle of every bin."""
        edges = np.linspace(self.low, self.high, _BINS + 1)
        centers: NDArray[np.float64] = (edges[:-1] + edges[1:]) / 2
        return centers


def narrowed(
    float_model: bytes, calibrated: bytes, arrays: Arrays, *, method: str, percentile: float
) -> tuple[bytes, tuple[RangeChange, ...]]:
    """The calibrated model with ranges by another method.

    Args:
        float_model: What was calibrated.
        calibrated: The same with the minimum and maximum of every activation.
        arrays: Calibration windows, input name -> (n_windows, ...).
        method: "percentile" or "mse".
        percentile: For "percentile": share of values kept at each side, in percent.

    Returns:
        The model, and every tensor whose range it has changed.
    """
    from tensorflow.lite.python import schema_py_generated as schema

    tree = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(calibrated, 0))
    tensors = tree.subgraphs[0].tensors
    known = {
        tensor.name.decode(): tensor.quantization
        for tensor in tensors
        if tensor.type == schema.TensorType.FLOAT32 and _has_range(tensor.quantization)
    }
    widest = {name: (float(q.min[0]), float(q.max[0])) for name, q in known.items()}
    changes = []
    for name, histogram in _histograms(float_model, arrays, widest).items():
        low, high = by_percentile(histogram, percentile)
        if method == "mse":
            low, high = by_squared_error(histogram)
        known[name].min, known[name].max = [low], [high]
        if (low, high) != widest[name]:
            changes.append(
                RangeChange(
                    tensor=name, least=histogram.low, most=histogram.high, low=low, high=high
                )
            )
    import flatbuffers

    builder = flatbuffers.Builder(len(calibrated) + 1024)
    builder.Finish(tree.Pack(builder), b"TFL3")
    return bytes(builder.Output()), tuple(changes)


def _has_range(quantization: Any) -> bool:  # noqa: ANN401 - a table of the schema
    if quantization is None or quantization.min is None or quantization.max is None:
        return False
    return len(quantization.min) == 1 and len(quantization.max) == 1


def _histograms(
    float_model: bytes, arrays: Arrays, widest: Mapping[str, tuple[float, float]]
) -> dict[str, Histogram]:
    """Values of every activation over all windows."""
    from tflm_gen.quantize.ptq import float_interpreter, named_details

    machine = float_interpreter(float_model, keep_all=True)
    machine.allocate_tensors()
    inputs = named_details(machine, "input")
    places = {
        d["name"]: d["index"]
        for d in machine.get_tensor_details()
        if d["name"] in widest and widest[d["name"]][0] < widest[d["name"]][1]
    }
    counts = {name: np.zeros(_BINS, dtype=np.int64) for name in places}
    for i in range(len(next(iter(arrays.values())))):
        for name, detail in inputs.items():
            machine.set_tensor(detail["index"], arrays[name][i][None])
        machine.invoke()
        for name, index in places.items():
            values = machine.get_tensor(index).ravel()
            counts[name] += np.histogram(values, _BINS, range=widest[name])[0]
    return {
        name: Histogram(low=widest[name][0], high=widest[name][1], counts=found)
        for name, found in counts.items()
        if found.sum()
    }


def by_percentile(histogram: Histogram, percentile: float) -> tuple[float, float]:
    """What is left when the outermost values of each side are cut."""
    share = np.cumsum(histogram.counts) / histogram.counts.sum()
    cut = 1 - percentile / 100
    first = int(np.searchsorted(share, cut, side="right"))
    last = int(np.searchsorted(share, 1 - cut, side="left"))
    return _edges(histogram, first, last)


def by_squared_error(histogram: Histogram) -> tuple[float, float]:
    """The range with the least squared error of an 8-bit value, cutting included."""
    least, best = np.inf, (histogram.low, histogram.high)
    centers = histogram.centers
    for below in _MSE_SHARES if histogram.low < 0 else (1.0,):
        for above in _MSE_SHARES if histogram.high > 0 else (1.0,):
            low, high = histogram.low * below, histogram.high * above
            step = (max(high, 0.0) - min(low, 0.0)) / _LEVELS
            cut = centers - np.clip(centers, min(low, 0.0), max(high, 0.0))
            error = float(np.sum(histogram.counts * (cut**2 + (cut == 0) * step**2 / 12)))
            if error < least:
                least, best = error, (low, high)
    return best


def _edges(histogram: Histogram, first: int, last: int) -> tuple[float, float]:
    width = (histogram.high - histogram.low) / _BINS
    low = histogram.low if first == 0 else histogram.low + first * width
    high = histogram.high if last >= _BINS - 1 else histogram.low + (last + 1) * width
    return float(low), float(high)
