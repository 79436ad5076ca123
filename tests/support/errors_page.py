"""Writes docs/errors.md from the classes of tflm_gen/errors.py; a test compares the two.

python -m tests.support.errors_page
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from pathlib import Path

from tflm_gen import errors

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "errors.md"
EXIT_MEANINGS = {
    0: "yes, or done",
    1: "the verdict is no",
    2: "bad usage or bad input",
    3: "a tool, package, device or network resource is missing",
    4: "timeout or device fault, or a build or run that failed",
    130: "interrupted",
}
_GROUPS = {
    "TG1": "Model files",
    "TG2": "Boards and memory",
    "TG3": "Missing tools and downloads",
    "TG4": "Builds, devices and timeouts",
    "TG5": "Projects and output folders",
    "TG6": "Records, preprocessing and evaluation",
}


def error_classes() -> list[type[errors.TflmGenError]]:
    """All error classes in the order of their codes, without the base."""
    found = [
        value
        for value in vars(errors).values()
        if inspect.isclass(value)
        and issubclass(value, errors.TflmGenError)
        and value is not errors.TflmGenError
    ]
    return sorted(found, key=lambda c: c.code)


def render_page() -> str:
    """The whole text of docs/errors.md."""
    lines = [
        "# Errors and exit codes",
        "",
        "Every expected error is two lines on standard error: `error[TGnnn]: what was found` and",
        "`hint: what to do next`. `tflm-gen --debug VERB ...` adds a traceback. The codes are",
        "stable; a code is never given another meaning. With `--json` the same stands on standard output as",
        "`{schema, code, message, hint, exit_code}`, so that there is one document in any case.",
        "",
        "| exit code | meaning |",
        "|---|---|",
        *(f"| {code} | {meaning} |" for code, meaning in EXIT_MEANINGS.items()),
    ]
    group = ""
    for error in error_classes():
        if error.code[:3] != group:
            group = error.code[:3]
            lines += ["", f"## {_GROUPS[group]}", "", "| code | exit | name | meaning |"]
            lines += ["|---|---|---|---|"]
        meaning = " ".join(textwrap.dedent(error.__doc__ or "").split())
        lines.append(f"| {error.code} | {error.exit_code} | `{error.__name__}` | {meaning} |")
    return "\n".join(lines) + "\n"


def stray_error_classes(package_dir: Path) -> list[str]:
    """Classes outside errors.py that derive from one of its errors, and raises of the base."""
    names = {"TflmGenError"} | {c.__name__ for c in error_classes()}
    found = []
    for path in sorted(package_dir.rglob("*.py")):
        if path.name == "errors.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                bases = {ast.unparse(base).split(".")[-1] for base in node.bases}
                if bases & names:
                    found.append(f"{path.name}:{node.lineno}: class {node.name}")
            elif isinstance(node, ast.Raise) and _raises_base(node):
                found.append(f"{path.name}:{node.lineno}: raises the base class")
    return found


def _raises_base(node: ast.Raise) -> bool:
    called = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
    return called is not None and ast.unparse(called).split(".")[-1] == "TflmGenError"


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(render_page(), encoding="utf-8")
