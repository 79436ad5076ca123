"""Converter against runtime: what the file says about who made it, and what TFLM makes of that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tflm_gen.check.records import Finding
from tflm_gen.inspection import read_converter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tflm_gen.model.records import Model

# The newest converter whose files were run on the TFLM builds that are linked here.
NEWEST_COMPARED = (2, 21)
# Before it, Conv1D was not widened and int8 models had uint8 inputs.
OLDEST_USUAL = (2, 3)
_REMEDY = "Run tflm-gen verify on the built project: it compares the outputs byte for byte."


def find_skew(model: Model, tflm: str) -> Iterator[Finding]:
    """Findings about versions; TFLM itself compares none of them."""
    converter = read_converter(model)
    for what, text in (
        ("converter", converter.tensorflow_version),
        ("lowest runtime", converter.min_runtime_version),
    ):
        version = _major_minor(text)
        if version is None:
            continue
        if version > NEWEST_COMPARED:
            yield Finding(
                code="version-skew",
                severity="warning",
                message=f"the file's {what} is TensorFlow {text}, newer than any that was compared "
                f"with {tflm} ({NEWEST_COMPARED[0]}.{NEWEST_COMPARED[1]})",
                reason="TFLM does not look at operator versions: a newer form of an operator runs "
                "as the older one, or is refused late",
                remedy=_REMEDY,
            )
        elif what == "converter" and version < OLDEST_USUAL:
            yield Finding(
                code="version-skew",
                severity="warning",
                message=f"the file's converter is TensorFlow {text}, older than "
                f"{OLDEST_USUAL[0]}.{OLDEST_USUAL[1]}",
                reason="old converters write uint8 and other forms that TFLM's kernels dropped",
                remedy="Convert the model again with a current TensorFlow.",
            )


def _major_minor(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    major, _, rest = text.partition(".")
    minor = rest.partition(".")[0]
    return (int(major), int(minor)) if major.isdigit() and minor.isdigit() else None
