"""The CMake project with PlatformIO's files beside it: the same sources, built by ``pio run``."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from tflm_gen import resources
from tflm_gen.project.compiled import ENGINE
from tflm_gen.project.kinds._kind import Files, ProjectKind
from tflm_gen.project.kinds.cmake import has_cmake_port
from tflm_gen.project.plan import needed_ports
from tflm_gen.project.render import render

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tflm_gen.board_spec import BoardSpec
    from tflm_gen.project.plan import ProjectSpec

LOCAL_PLATFORM = "symlink://${PROJECT_DIR}/platform"
"""Never a relative path: PlatformIO would build with another project's platform, silently."""

_EMULATE = ("python3", "scripts/emulate.py", "--as-tests")
_FIRMWARE = "${platformio.build_dir}/${this.__env__}/firmware.elf"
_HOST_RAM_BYTES = 64 * 1024 * 1024

Option = tuple[str, str | tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """One environment of ``platformio.ini``.

    Attributes:
        name: Its name.
        comment: What it is, one line.
        options: Keys with their values; several values stand on lines of their own.
        emulator: Command line that starts its firmware, less the firmware; empty without one.
        is_local: It needs nothing of PlatformIO's registry.
    """

    name: str
    comment: str
    options: tuple[Option, ...]
    emulator: tuple[str, ...] = ()
    is_local: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformioContext:
    """Fills ``platformio.ini`` and ``PLATFORMIO.md``."""

    environments: tuple[Environment, ...]
    default_env: str
    emulated_env: str
    monitor_speed: int
    tflm_variable: str
    how_to_get: str


def environments(spec: ProjectSpec) -> tuple[Environment, ...]:
    """The environments of a project; those of the registry first."""
    board, board_id = spec.board.spec, spec.board.id
    found: list[Environment] = []
    twin = board.emulator.qemu.twin_family if board.emulator.qemu else None
    checked = ("check_src_filters", checked_sources(spec.engine, board.family, other=twin))
    if board.platformio is not None:
        found.append(_registry_environment(board, checked))
    name = f"{board_id}_local" if found else board_id
    runs_here = spec.npu is None
    upload = upload_command(board)
    found.append(
        _local_environment(
            name=name,
            comment=f"{board.name}: compilers of this machine",
            emulator=_emulator(board) if runs_here and twin is None else (),
            more=(checked, *((("upload_command", upload),) if upload else ())),
        )
    )
    if twin is not None:
        found.append(
            _local_environment(
                name=f"{board_id}_twin",
                comment=f"the same firmware for {_machine(board)} in QEMU",
                emulator=_emulator(board),
                board_name=name,
                more=(
                    ("custom_cmake", "ECG_TWIN=ON"),
                    ("check_src_filters", checked_sources(spec.engine, twin)),
                ),
            )
        )
    return tuple(found)


def checked_sources(engine: str, family: str, *, other: str | None = None) -> tuple[str, ...]:
    """What ``pio check`` analyses: our sources that are linked, without the arrays of the model.

    Those would take Cppcheck many minutes, and there is nothing in them to find.

    Args:
        engine: The engine that is linked.
        family: The port.
        other: A port that it names only because the project carries it too.
    """
    root = resources.firmware_templates_dir()
    ports = [name for name in (family, *needed_ports(root, family)) if name != other]
    folders = ["common/src", f"engine/{engine}", *(f"port/{name}" for name in ports)]
    if engine == ENGINE:
        folders.append("compiled/src")
    return tuple(f"+<{folder}/>" for folder in folders)


def upload_command(board: BoardSpec) -> str:
    """What ``pio run -t upload`` of the local environment runs; empty if the board has no such tool."""
    targets = {entry.tool: entry.target for entry in board.flash}
    if "openocd" in targets:
        return f'openocd -f {targets["openocd"]} -c "program {{$SOURCE}} verify reset exit"'
    if "pyocd" in targets:
        return f'pyocd flash --no-wait --no-config --target {targets["pyocd"]} "$SOURCE"'
    return ""


def emulator_command(*, machine: str, icount_shift: int) -> tuple[str, ...]:
    """QEMU with the first serial line on its standard output, up to the firmware's name."""
    return (
        "qemu-system-arm",
        *("-M", machine),
        *("-display", "none"),
        *("-monitor", "none"),
        *("-parallel", "none"),
        "-no-user-config",
        *("-icount", f"shift={icount_shift}"),
        *("-semihosting-config", "enable=on,target=native"),
        *("-serial", "stdio"),
        "-kernel",
    )


def _machine(board: BoardSpec) -> str:
    return board.emulator.qemu.machine if board.emulator.qemu else ""


def _emulator(board: BoardSpec) -> tuple[str, ...]:
    """How the firmware is started here: in QEMU, or as a program of this machine ("env")."""
    if board.is_host:
        return ("env",)
    qemu = board.emulator.qemu
    if qemu is None:
        return ()
    return emulator_command(machine=qemu.machine, icount_shift=qemu.icount_shift)


def _registry_environment(board: BoardSpec, checked: Option) -> Environment:
    support = board.platformio
    if support is None:
        raise ValueError(f"{board.name} is not in PlatformIO's registry")
    return Environment(
        name=support.board,
        comment=f"{board.name}: compiler and upload tools of PlatformIO's registry",
        options=(
            ("platform", support.platform),
            ("board", support.board),
            ("platform_packages", support.packages),
            ("extra_scripts", ("pre:scripts/firmware.py",)),
            checked,
        ),
        is_local=False,
    )


def _local_environment(
    *,
    name: str,
    comment: str,
    emulator: tuple[str, ...],
    board_name: str = "",
    more: tuple[Option, ...] = (),
) -> Environment:
    options: list[Option] = [
        ("platform", LOCAL_PLATFORM),
        ("board", board_name or name),
        ("extra_scripts", ("pre:scripts/firmware.py", "post:scripts/targets.py")),
    ]
    options.extend(more)
    if emulator:
        options.append(("custom_emulator", " ".join(emulator)))
        options.append(("test_testing_command", (*_EMULATE, _FIRMWARE, *emulator)))
    return Environment(name=name, comment=comment, options=tuple(options), emulator=emulator)


def board_manifest(spec: ProjectSpec) -> bytes:
    """PlatformIO's description of the board for the local platform."""
    board = spec.board.spec
    flash_bytes = sum(r.free_bytes for r in board.memory if {"code", "model"} & set(r.holds))
    ram_bytes = sum(r.free_bytes for r in board.memory if {"data", "stack", "arena"} & set(r.holds))
    core = board.cpu.core
    described = {
        "name": board.name,
        "vendor": "tflm-gen",
        "url": "https://example.invalid/tflm-gen",
        "platforms": ["tflmgen"],
        "frameworks": [],
        "build": {
            "cpu": core.removesuffix("f"),
            "mcu": spec.board.id,
            "is_own_platform": "yes",
            "toolchain_prefix": "" if board.is_host else "arm-none-eabi-",
        },
        "upload": {
            "maximum_size": flash_bytes or _HOST_RAM_BYTES,
            "maximum_ram_size": ram_bytes or _HOST_RAM_BYTES,
            "protocol": "custom",
            "protocols": ["custom"],
        },
    }
    return (json.dumps(described, indent=2) + "\n").encode("utf-8")


def _context(spec: ProjectSpec) -> PlatformioContext:
    known = environments(spec)
    return PlatformioContext(
        environments=known,
        default_env=known[0].name,
        emulated_env=next((env.name for env in known if env.emulator), ""),
        monitor_speed=spec.board.spec.console.baud or 115_200,
        tflm_variable=spec.source.cmake_variable if spec.engine == "tflm" else "",
        how_to_get=spec.source.how_to_get,
    )


def _static_files() -> Iterator[tuple[PurePosixPath, bytes]]:
    root = resources.firmware_templates_dir() / "project" / "platformio"
    for path in root.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            yield PurePosixPath(path.relative_to(root).as_posix()), path.read_bytes()


def _plan(spec: ProjectSpec, files: Files) -> Files:
    context = _context(spec)
    local = next(env for env in context.environments if env.is_local)
    return {
        **files,
        **dict(_static_files()),
        PurePosixPath("platformio.ini"): render("platformio/platformio.ini.j2", context),
        PurePosixPath("PLATFORMIO.md"): render("platformio/README.md.j2", context),
        PurePosixPath("boards", f"{local.name}.json"): board_manifest(spec),
        PurePosixPath(".gitignore"): b".pio\n",
    }


KIND = ProjectKind(name="platformio", suits=has_cmake_port, plan=_plan)
