"""Which files of upstream TFLM a firmware build compiles; the data is shared with CMake.

The recipe is a data file of the firmware templates, because a generated project carries it and
builds without Python. Here it answers what the tool asks before a build: can it be built at all,
from which files, with which third-party parts.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from tflm_gen import resources
from tflm_gen.errors import UnsupportedOperatorError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

REFERENCE = "reference"
CMSIS_NN = "cmsis-nn"


@dataclass(frozen=True, slots=True, kw_only=True)
class ThirdParty:
    """A repository that TFLM's sources include.

    Attributes:
        name: Folder in ``third_party_deps``.
        repository: Where git fetches it.
        revision: Commit or tag, as read in upstream's scripts; those of a fetched tree win.
        marker: A file that a complete copy has.
        patch: A patch of upstream's tree that is applied to it, or None.
        needed_for: Kernel libraries that cannot be built without it.
    """

    name: str
    repository: str
    revision: str
    marker: str
    patch: str | None
    needed_for: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorSources:
    """Files of one operator's kernel.

    Attributes:
        reference: Upstream's portable kernel and what it calls.
        cmsis_nn: The kernel on CMSIS-NN in its place; empty if there is none.
        cmsis_nn_folders: Folders of CMSIS-NN's ``Source`` that it calls into.
    """

    reference: tuple[str, ...]
    cmsis_nn: tuple[str, ...]
    cmsis_nn_folders: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """The whole recipe.

    Attributes:
        tflm_commit: Commit that a build should use.
        read_at: Revision of upstream at which the recipe was read.
        base: Files of the interpreter that every build has.
        shared_kernels: Files that every kernel may call.
        operators: By TFLite's operator name.
        unsupported: Operators that the recipe leaves out, and why.
        third_party: Repositories besides TFLM's own.
    """

    tflm_commit: str
    read_at: str
    base: tuple[str, ...]
    shared_kernels: tuple[str, ...]
    operators: Mapping[str, OperatorSources]
    unsupported: Mapping[str, str]
    third_party: tuple[ThirdParty, ...]


@cache
def load_recipe() -> Recipe:
    """Read the recipe that ships with the firmware templates."""
    path = resources.firmware_templates_dir() / "tflm_source" / "upstream" / "recipe.json"
    data = json.loads(path.read_text(encoding="utf-8"))
    return Recipe(
        tflm_commit=data["tflm_commit"],
        read_at=data["read_at"],
        base=tuple(data["base"]["required"]),
        shared_kernels=tuple(data["shared_kernels"]["required"]),
        operators={
            op: OperatorSources(
                reference=tuple(entry["reference"]),
                cmsis_nn=tuple(entry.get("cmsis_nn", ())),
                cmsis_nn_folders=tuple(entry.get("cmsis_nn_folders", ())),
            )
            for op, entry in data["operators"].items()
        },
        unsupported=dict(data["unsupported"]),
        third_party=tuple(
            ThirdParty(
                name=part["name"],
                repository=part["repository"],
                revision=part["revision"],
                marker=part["marker"],
                patch=part["patch"],
                needed_for=tuple(part["needed_for"]),
            )
            for part in data["third_party"]
        ),
    )


def kernel_sources(ops: Iterable[str], *, kernels: str) -> tuple[str, ...]:
    """Kernel files for a model's operators, each once, in a fixed order.

    Args:
        ops: TFLite's operator names.
        kernels: :data:`REFERENCE` or :data:`CMSIS_NN`; operators that CMSIS-NN does not have come
            from the reference kernels, and no operator comes from both.

    Raises:
        UnsupportedOperatorError: If the recipe cannot build an operator.
    """
    recipe = load_recipe()
    found: dict[str, None] = dict.fromkeys(recipe.shared_kernels)
    for op in sorted(set(ops)):
        entry = recipe.operators.get(op)
        if entry is None:
            reason = recipe.unsupported.get(op, "the recipe has no sources for it")
            raise UnsupportedOperatorError(
                f"operator {op} cannot be built from upstream TFLM: {reason}",
                hint="Use another TFLM source for this board, or a model without this operator.",
            )
        use_cmsis = kernels == CMSIS_NN and entry.cmsis_nn
        found.update(dict.fromkeys(entry.cmsis_nn if use_cmsis else entry.reference))
    return tuple(sorted(found))
