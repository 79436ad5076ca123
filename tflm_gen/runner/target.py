"""What a runner must know about a built project."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tflm_gen.errors import NotAProjectError, ProjectModifiedError
from tflm_gen.project.read_file import read_regular

if TYPE_CHECKING:
    from pathlib import Path

    from tflm_gen.board_spec import BoardSpec
    from tflm_gen.project.manifest import Manifest


_ESP_IDF = "esp-idf"
_ESP_IDF_ELF = "build/ecg_firmware.elf"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceTarget:
    """A firmware image, the board it is for, and the model it must carry.

    Attributes:
        root: Folder of the generated project.
        board_id: Which board it was built for.
        board: That board.
        elf_path: The linked firmware.
        engine: "tflm" or "compiled".
        kernels: Kernel library, as the manifest names it.
        model_name: Name of the model.
        model: The model's bytes as they lie in flash.
        model_crc: CRC-32 of them, which the firmware's banner must name.
        original: The user's model if the firmware carries a cleaned one that gives the same bytes
            on TFLM; else None.
        original_note: Why the original gives other bytes there; may be empty.
    """

    root: Path
    board_id: str
    board: BoardSpec
    elf_path: Path
    engine: str
    kernels: str
    model_name: str
    model: bytes
    model_crc: int
    original: bytes | None = None
    original_note: str = ""


def load_target(project: Path) -> DeviceTarget:
    """Read what is needed from a generated project.

    Raises:
        NotAProjectError: If the folder is none, or nothing was linked in it.
        ProjectModifiedError: If its model is no longer the one it was built for.
    """
    import hashlib

    from tflm_gen.board_loader import load_board
    from tflm_gen.project.manifest import read_manifest

    manifest = read_manifest(project)
    elf_path = _firmware(project, manifest)
    # A cleaned model is in the firmware in place of the user's.
    cleaned = manifest.cleaned_model
    flashed = cleaned if cleaned is not None and cleaned.file is not None else manifest.model
    model_path = project / (flashed.file or manifest.model.file)
    for path in (elf_path, model_path):
        if not path.is_file():
            raise ProjectModifiedError(
                f"{path} is missing", hint="Build the project again: tflm-gen build"
            )
    try:
        model = read_regular(model_path)
    except OSError as error:
        raise ProjectModifiedError(
            f"{model_path} cannot be read ({error.strerror})",
            hint="Build the project again: tflm-gen build",
        ) from error
    if hashlib.sha256(model).hexdigest() != flashed.sha256:
        raise ProjectModifiedError(
            f"{model_path} is not the model this project was built for",
            hint="Build a project for the new model: tflm-gen build MODEL --board ID",
        )
    return DeviceTarget(
        root=project,
        board_id=manifest.board.id,
        board=load_board(manifest.board.id).spec,
        elf_path=elf_path,
        engine=manifest.engine,
        kernels=manifest.kernels,
        model_name=manifest.model.name,
        model=model,
        model_crc=flashed.crc32,
        original=_original(project, manifest),
        original_note=cleaned.note if cleaned is not None else "",
    )


def _firmware(project: Path, manifest: Manifest) -> Path:
    """The linked firmware: the build's, or what ESP-IDF has made of the project since.

    Raises:
        NotAProjectError: If there is none.
    """
    if manifest.linked is not None:
        return project / manifest.linked.elf
    if manifest.project_kind == _ESP_IDF:
        path = project / _ESP_IDF_ELF
        if path.is_file():
            return path
        raise NotAProjectError(
            f"{project} is not built yet: there is no {_ESP_IDF_ELF}",
            hint=f"With ESP-IDF: cd {shlex.quote(str(project))} && idf.py set-target "
            f"{manifest.board.id} && idf.py build",
        )
    raise NotAProjectError(
        f"{project} holds sources only: nothing was linked when it was built",
        hint="Repeat its tflm-gen build: the lines that start with 'not linked' say what is missing.",
    )


def _original(project: Path, manifest: Manifest) -> bytes | None:
    """The user's model, if the firmware must give its bytes too.

    Raises:
        ProjectModifiedError: If it is no longer there, or another.
    """
    import hashlib

    cleaned = manifest.cleaned_model
    if cleaned is None or cleaned.file is None or cleaned.proof.basis != "original on TFLM":
        return None
    path = project / cleaned.original_file
    try:
        data = read_regular(path)
    except OSError as error:
        raise ProjectModifiedError(
            f"{path} is missing", hint="Build the project again: tflm-gen build"
        ) from error
    if hashlib.sha256(data).hexdigest() != manifest.model.sha256:
        raise ProjectModifiedError(
            f"{path} is not the model this project was built for",
            hint="Build a project for the new model: tflm-gen build MODEL --board ID",
        )
    return data
