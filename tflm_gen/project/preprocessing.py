"""The preprocessing's part of a project: the specification's numbers as a header, or a warning."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import numpy as np

from tflm_gen.preprocess.carried import MISSING, MISSING_HINT, carried_spec, input_names
from tflm_gen.preprocess.config import config_values
from tflm_gen.preprocess.filters import Section
from tflm_gen.preprocess.spec import spec_sha256
from tflm_gen.project.context import ConfigField, PreprocessConfigContext
from tflm_gen.project.render import render

if TYPE_CHECKING:
    from tflm_gen.model.records import Model
    from tflm_gen.preprocess.config import Values
    from tflm_gen.preprocess.spec import PreprocessSpec
    from tflm_gen.project.plan import ProjectSpec

HEADER = PurePosixPath("generated/preprocess_config.h")
_INPUT_TYPES = ("int8", "float32")


def preprocess_files(project: ProjectSpec) -> dict[PurePosixPath, bytes]:
    """The header, or nothing if the firmware cannot preprocess for this model.

    Raises:
        PreprocessSpecError: The specification that the model carries is damaged or for another.
    """
    spec = _spec_of(project)
    if spec is None or _obstacle(project.model):
        return {}
    return {HEADER: render("preprocess_config.h.j2", _context(project.model, spec))}


def preprocess_warnings(project: ProjectSpec) -> tuple[str, ...]:
    """What can go wrong with the way from samples to this model's inputs."""
    if _spec_of(project) is None:
        return (f"{MISSING}; {MISSING_HINT}",)
    obstacle = _obstacle(project.model)
    return (obstacle,) if obstacle else ()


def _spec_of(project: ProjectSpec) -> PreprocessSpec | None:
    """The NPU's compiler leaves metadata out: then the model given to it has it."""
    return carried_spec(project.model, project.cleaning.original if project.cleaning else None)


def _obstacle(model: Model) -> str:
    wrong = [t.dtype for t in model.inputs if t.dtype not in _INPUT_TYPES]
    if not wrong:
        return ""
    return (
        f"the firmware's preprocessing fills int8 and float32 inputs; the model has {wrong[0]}: "
        "its replay commands are left out"
    )


def _context(model: Model, spec: PreprocessSpec) -> PreprocessConfigContext:
    names = input_names(model)
    values = config_values(spec)
    return PreprocessConfigContext(
        model_name=model.name,
        spec_sha256=spec_sha256(spec),
        trigger=spec.trigger,
        has_detector=spec.has_detector,
        window_input=names.index(spec.window_input),
        window_values=spec.window_samples * spec.channels,
        rr_input=names.index(spec.rr_input) if spec.rr_features else 0,
        rr_count=len(spec.rr_features),
        preprocess=_fields(values.preprocess),
        detector=_fields(values.detector),
    )


def _fields(values: Values) -> tuple[ConfigField, ...]:
    return tuple(ConfigField(name=name, value=_text(value)) for name, value in values.items())


def _text(value: object) -> str:
    """A C++ initializer with exactly this value."""
    if isinstance(value, tuple):
        return "{" + ", ".join(_text(item) for item in value) + "}"
    if isinstance(value, Section):
        return _text((value.b0, value.b1, value.b2, value.a1, value.a2))
    return f"{_hexadecimal(value)}F" if isinstance(value, float) else str(value)


def _hexadecimal(value: float) -> str:
    mantissa, exponent = float(np.float32(value)).hex().split("p")
    return f"{mantissa.rstrip('0').rstrip('.')}p{exponent}"
