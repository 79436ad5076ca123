"""Which data types a kernel takes: measured on the runtimes themselves, one model a combination.

``kernel_types.json`` lists, for each runtime and operator, the combinations of data types that
ran. A combination of a measured operator that is not listed was refused, or is none that a
converter writes; of an operator that was not measured, nothing is said.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tflm_gen.check.use import Use

_TABLE = Path(__file__).resolve().parent / "kernel_types.json"
# Any number of equal operands: two stand for all.
_VARIADIC = frozenset({"CONCATENATION", "PACK", "ADD_N"})


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelTypes:
    """What one runtime's kernels take.

    Attributes:
        evidence: How it was measured.
        accepted: Signatures ("int8,int8,int32->int8") by operator.
    """

    evidence: str
    accepted: Mapping[str, frozenset[str]]


@cache
def load_kernel_types(runtime: str) -> KernelTypes:
    """The table of a runtime ("wheel" or "corstone300_image")."""
    raw = json.loads(_TABLE.read_text(encoding="utf-8"))
    entry = raw["runtimes"][runtime]
    return KernelTypes(
        evidence=f"{entry['evidence']} ({raw['measured']})",
        accepted={op: frozenset(signatures) for op, signatures in entry["accepted"].items()},
    )


def signature(use: Use) -> str:
    """Data types of an operator: inputs that are there, then the first output."""
    dtypes = [tensor.dtype for tensor in use.inputs]
    if use.op in _VARIADIC and len(set(dtypes)) == 1:
        dtypes = dtypes[:1] * 2
    return f"{','.join(dtypes)}->{use.output.dtype if use.output else ''}"


def nearest(wanted: str, accepted: frozenset[str]) -> tuple[str, ...]:
    """Accepted signatures with the same first input, else all, few enough for one line."""
    first = wanted.split(",")[0].split("->")[0]
    close = sorted(text for text in accepted if text.replace("->", ",").split(",")[0] == first)
    return tuple((close or sorted(accepted))[:6])
