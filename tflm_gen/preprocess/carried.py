"""The specification that a model carries, and whether the model is the one it was written for."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tflm_gen.errors import PreprocessSpecError
from tflm_gen.preprocess.spec import PreprocessSpec, parse_spec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tflm_gen.model.records import Model

METADATA_KEY = "TFLM_GEN_PREPROCESS"
MISSING = (
    "the model carries no preprocessing: another sampling rate, lead, filter, gain or place of the "
    "beat in the window than in training gives wrong classes, and nothing on the device notices"
)
MISSING_HINT = "quantize with --spec FILE (docs/preprocessing.md)"


def carried_spec(model: Model, origin: Model | None = None) -> PreprocessSpec | None:
    """A model's specification, checked against its inputs and outputs; None without one.

    Args:
        model: The model.
        origin: What it was made from, if a compiler may have dropped the metadata.

    Raises:
        PreprocessSpecError: It is damaged, or is for another model.
    """
    data = model.metadata.get(METADATA_KEY)
    if data is None and origin is not None:
        data = origin.metadata.get(METADATA_KEY)
    if data is None:
        return None
    source = f"{model.name}: {METADATA_KEY}"
    spec = parse_spec(data.decode("utf-8", "replace"), source)
    inputs = dict(zip(input_names(model), (t.shape for t in model.inputs), strict=True))
    check_fits(spec, inputs, [tensor.shape for tensor in model.outputs], source)
    return spec


def check_fits(
    spec: PreprocessSpec,
    inputs: Mapping[str, Sequence[int]],
    outputs: Sequence[Sequence[int]],
    source: str,
) -> None:
    """Compare a specification with a model's tensors.

    Args:
        spec: The specification.
        inputs: Input name -> shape.
        outputs: Shapes.
        source: What to name in the error.

    Raises:
        PreprocessSpecError: Names, lengths or the number of classes differ.
    """
    wanted = spec.input_sizes
    found = {name: math.prod(abs(n) for n in shape) for name, shape in inputs.items()}
    problem = None
    if set(found) != set(wanted):
        problem = f"it fills inputs {sorted(wanted)}; the model has {sorted(found)}"
    else:
        for name, size in wanted.items():
            if found[name] != size:
                problem = f"it gives {size} values for input {name!r}, which takes {found[name]}"
    sizes = [math.prod(abs(n) for n in shape) for shape in outputs]
    if problem is None and sizes != [len(spec.classes)]:
        problem = f"it names {len(spec.classes)} classes; the model's outputs have {sizes} values"
    if problem:
        raise PreprocessSpecError(
            f"{source}: {problem}",
            hint="The specification belongs to another model; give the one it was trained with.",
        )


def input_names(model: Model) -> tuple[str, ...]:
    """Names of the inputs in the interpreter's order: the signature's where there is one."""
    named = {}
    for signature in model.signatures[:1]:
        named = {index: name for name, index in signature.inputs}
    return tuple(named.get(t.index, _plain(t.name)) for t in model.inputs)


def _plain(name: str) -> str:
    return name.removeprefix("serving_default_").split(":")[0]
