"""Chooses the tool that flashes a board, from what the board file lists and what is installed."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from tflm_gen.errors import (
    MissingToolError,
    ProjectModifiedError,
    UnsupportedChoiceError,
    UsageError,
)
from tflm_gen.runner.flashers import Flasher, discover, pio
from tflm_gen.runner.flashers._flasher import FlashRequest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tflm_gen.runner.target import DeviceTarget

_WORDS = MappingProxyType(
    {"port": "serial port", "probe": "debug probe", "drive": "bootloader's drive"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlashChoice:
    """The tool that will be used.

    Attributes:
        flasher: The tool.
        target: The board in its words.
        reason: Why this one, for the line that is printed.
    """

    flasher: Flasher
    target: str
    reason: str


def choose_flasher(
    target: DeviceTarget,
    *,
    tool_name: str | None = None,
    flashers: Mapping[str, Flasher] | None = None,
) -> FlashChoice:
    """The tool that is named, else the first of the board's tools that is installed.

    Args:
        target: The project.
        tool_name: A flasher's name.
        flashers: What there is; found by :func:`discover` by default.

    Raises:
        UnsupportedChoiceError: If no tool, or not that one, can flash the board.
        UsageError: If there is no flasher of that name.
        MissingToolError: If none that could is installed.
    """
    known = discover() if flashers is None else flashers
    listed = _usable(target)
    if not listed:
        raise UnsupportedChoiceError(
            f"{target.board_id} is no board that can be flashed",
            hint=f"Run it in an emulator: tflm-gen emulate {shlex.quote(str(target.root))}",
        )
    if tool_name is not None:
        return _named(target, tool_name, listed, known)
    installed = [name for name in listed if known[name].find() is not None]
    if not installed:
        hints = "; ".join(known[name].install_hint for name in listed if known[name].install_hint)
        raise MissingToolError(
            f"none of the tools that flash {target.board_id} is installed: {', '.join(listed)}",
            hint=f"{hints}. Or run without a board: tflm-gen emulate {shlex.quote(str(target.root))}",
        )
    name = installed[0]
    skipped = [other for other in listed if other not in installed]
    reason = f"not installed: {', '.join(skipped)}" if skipped else "the board's first tool"
    return FlashChoice(flasher=known[name], target=listed[name], reason=reason)


def _usable(target: DeviceTarget) -> dict[str, str]:
    """The board's tools with its name in each; PlatformIO only for projects that it builds."""
    has_platformio = (target.root / "platformio.ini").is_file()
    return {
        entry.tool: entry.target
        for entry in target.board.flash
        if entry.tool != "pio" or has_platformio
    }


def _named(
    target: DeviceTarget,
    tool_name: str,
    listed: Mapping[str, str],
    known: Mapping[str, Flasher],
) -> FlashChoice:
    if tool_name not in known:
        raise UsageError(
            f"no flash tool {tool_name!r}; there are: {', '.join(sorted(known))}",
            hint="Leave --tool out to let the tool choose.",
        )
    if tool_name not in listed:
        hint = "Use one of those."
        if tool_name == "pio":
            hint = (
                f"{hint} PlatformIO flashes what it builds: tflm-gen build ... --project platformio"
            )
        raise UnsupportedChoiceError(
            f"{tool_name} is not known to flash {target.board_id}; known are: {', '.join(listed)}",
            hint=hint,
        )
    flasher = known[tool_name]
    if flasher.find() is None:
        raise MissingToolError(f"{tool_name} is not installed", hint=flasher.install_hint)
    return FlashChoice(
        flasher=flasher, target=listed[tool_name], reason=f"asked for with --tool {tool_name}"
    )


def firmware_image(target: DeviceTarget, choice: FlashChoice) -> Path:
    """What is written: the Intel HEX file beside the linked ELF, PlatformIO's, or ESP-IDF's list of files.

    Raises:
        ProjectModifiedError: If it is missing.
    """
    if choice.flasher.name == pio.FLASHER.name:
        return pio.built_image(target.root.resolve(), choice.target)
    if target.board.esp_idf is not None:
        listing = (target.root / "build" / "flash_args").resolve()
        if listing.is_file():
            return listing
        raise ProjectModifiedError(f"{listing} is missing", hint="Build it again: idf.py build")
    image = target.elf_path.with_suffix(".hex").resolve()
    if not image.is_file():
        raise ProjectModifiedError(
            f"{image} is missing", hint="Build the project again: tflm-gen build"
        )
    return image


def flash_request(
    target: DeviceTarget,
    choice: FlashChoice,
    *,
    image: Path,
    port: str | None = None,
    probe: str | None = None,
    drive: str | None = None,
) -> FlashRequest:
    """What the chosen tool is asked to do.

    Raises:
        UsageError: If the board is named in a way that the tool cannot use: it could write into
            another one.
    """
    told_by = choice.flasher.told_by
    for given, value in (("port", port), ("probe", probe), ("drive", drive)):
        if value is not None and given != told_by:
            raise UsageError(
                f"{choice.flasher.name} cannot use --{given}: it finds the board by its "
                f"{_WORDS[told_by]}",
                hint=f"Leave --{given} out; to tell boards apart: --{told_by}. "
                "Or choose another tool with --tool NAME.",
            )
    return FlashRequest(
        project=target.root.resolve(),
        image=image,
        target=choice.target,
        port=port,
        probe=probe,
        drive=drive,
    )
