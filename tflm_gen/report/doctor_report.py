"""Text and JSON of ``tflm-gen doctor``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tflm_gen.report.table import Column, render_table
from tflm_gen.toolchain.tools import install_line, install_lines

if TYPE_CHECKING:
    from tflm_gen.toolchain.tools import Finding

SCHEMA = "tflm-gen/doctor/1"
MAIN_JOB = "build firmware for corstone300, run it in QEMU, prove its outputs"


def doctor_text(findings: tuple[Finding, ...], *, is_root: bool, python: str, tool: str) -> str:
    """Every tool with its version and purpose, where it is, then what to install."""
    columns = [
        Column(title="needed"),
        Column(title="tool"),
        Column(title="version", max_width=44),
        Column(title="for"),
    ]
    rows = [
        [
            "yes" if found.tool.is_required else "optional",
            found.tool.name,
            found.version or "not here",
            _purpose(found),
        ]
        for found in findings
    ]
    missing = install_lines(findings, is_root=is_root)
    optional = [f for f in findings if not f.is_here and not f.tool.is_required]
    lines = [f"tflm-gen {tool}, Python {python}", *render_table(columns, rows), ""]
    lines.append("where:")
    lines += [f"  {f.tool.name}: {f.place}" for f in findings if f.is_here]
    if optional:
        lines.append("optional, to install:")
        lines += [f"  {f.tool.name}: {install_line(f.tool, is_root=is_root)}" for f in optional]
    lines.append(
        f"cannot do the main job ({MAIN_JOB}); to install what is missing:"
        if missing
        else f"ready: {MAIN_JOB}"
    )
    return "\n".join([*lines, *(f"  {line}" for line in missing)])


def _purpose(found: Finding) -> str:
    verbs = ", ".join(found.tool.verbs)
    return f"{found.tool.purpose} ({verbs})" if verbs else found.tool.purpose


def doctor_document(
    findings: tuple[Finding, ...], *, is_root: bool, python: str, tool: str
) -> dict[str, object]:
    """The versioned JSON document."""
    return {
        "schema": SCHEMA,
        "tool": tool,
        "python": python,
        "can_do_main_job": can_do_main_job(findings),
        "main_job": MAIN_JOB,
        "install": install_lines(findings, is_root=is_root),
        "tools": [
            {
                "name": found.tool.name,
                "kind": found.tool.kind,
                "is_here": found.is_here,
                "version": found.version,
                "place": found.place,
                "is_required": found.tool.is_required,
                "purpose": found.tool.purpose,
                "verbs": list(found.tool.verbs),
                "install": install_line(found.tool, is_root=is_root),
            }
            for found in findings
        ],
    }


def can_do_main_job(findings: tuple[Finding, ...]) -> bool:
    """Everything that is required is here."""
    return all(found.is_here for found in findings if found.tool.is_required)
