"""What a module of this folder provides."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tflm_gen.board_spec import BoardSpec
    from tflm_gen.project.plan import ProjectSpec

Files = Mapping[PurePosixPath, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectKind:
    """A kind of project; to add one, write a module with ``KIND`` beside this one.

    Attributes:
        name: Its name on the command line.
        suits: A board can have it.
        plan: The files of a project, from those of the plain CMake project.
        is_linked_here: The arena is found and the firmware linked with the project's CMake files;
            otherwise the project is written and nothing is linked.
    """

    name: str
    suits: Callable[[BoardSpec], bool]
    plan: Callable[[ProjectSpec, Files], Files]
    is_linked_here: bool = True
