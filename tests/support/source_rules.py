"""The house rules as functions over source trees; each returns the violations it finds.

The contract tests run them over the project, and over small wrong trees to see that they bite.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

MAX_FUNCTION_LINES = 59
MAX_MODULE_LINES = 399
MAX_PIPELINE_LINES = 199

# Imports may point to the same or an earlier layer. The longest matching prefix decides.
# board_loader and examples read only files that ship with the package, so they count as pure.
LAYERS: tuple[tuple[str, ...], ...] = (
    ("tflm_gen", "errors", "units", "resources"),
    (
        *("model", "board_spec", "board_loader", "examples", "memory_plan", "wire", "project"),
        *("tflm", "compiled", "vectors", "arena_model", "preprocess"),
        *("toolchain.elf_file", "toolchain.elf_size"),
    ),
    (
        *("process", "toolchain", "runner", "quantize", "arena", "oracle", "golden", "vela"),
        *("inspection", "board_new", "cleanup", "check", "evaluate", "peers", "preprocess.binding"),
        *("project.writer", "project.manifest_plan", "project.output"),
        *("tflm.choice", "tflm.deps", "tflm.image", "tflm.sources", "tflm.upstream"),
        *("records", "preprocess.binding", "evaluate.runs", "evaluate.beats", "evaluate.worker"),
    ),
    ("pipeline", "tap_device", "verification", "benchmark", "comparison"),
    ("report",),
    ("cli", "__main__"),
)
# Slow to import or optional: only inside the function that needs them. A worker module is the
# program of a child process of its own.
HEAVY_PACKAGES = frozenset(
    {"tensorflow", "keras", "tf_keras", "tflite_micro", "ai_edge_litert", "serial", "wfdb"}
)
# Beyond those, nothing of this list may be loaded by `tflm-gen --help`.
NOT_FOR_HELP = HEAVY_PACKAGES | {"numpy", "pydantic", "jinja2", "rich", "elftools", "flatbuffers"}


def module_name(path: Path, package_dir: Path) -> str:
    """Dotted name below the package: "" for the package itself, "model.reader", ..."""
    parts = list(path.relative_to(package_dir).with_suffix("").parts)
    if parts[-1] == "__init__":
        parts.pop()
    return ".".join(parts)


def layer_of(name: str) -> int | None:
    """Layer of a module name below the package, or None if no prefix is listed."""
    best: tuple[int, int] | None = None
    for layer, prefixes in enumerate(LAYERS):
        for prefix in prefixes:
            matches = name == prefix or name.startswith(prefix + ".")
            if (matches or (name == "" and prefix == "tflm_gen")) and (
                best is None or len(prefix) > best[0]
            ):
                best = (len(prefix), layer)
    return None if best is None else best[1]


def layer_violations(package_dir: Path) -> list[str]:
    """Modules without a layer, and imports that point to a later layer."""
    found = []
    for path in _python_files(package_dir):
        name = module_name(path, package_dir)
        layer = layer_of(name)
        if layer is None:
            found.append(f"{name}: not in the layer table")
            continue
        for target, line in _package_imports(path, package_dir):
            target_layer = layer_of(target)
            if target_layer is not None and target_layer > layer:
                found.append(f"{name}:{line}: layer {layer} imports {target} of {target_layer}")
    return found


def heavy_import_violations(package_dir: Path) -> list[str]:
    """Heavy packages imported at module level."""
    found = []
    for path in _python_files(package_dir):
        if path.stem == "worker":
            continue
        for node in _module_level_nodes(ast.parse(path.read_text(encoding="utf-8"))):
            found += [
                f"{module_name(path, package_dir)}:{node.lineno}: imports {name} at module level"
                for name in _imported_names(node)
                if name.split(".")[0] in HEAVY_PACKAGES
            ]
    return found


def process_violations(package_dir: Path) -> list[str]:
    """Ways to start a program that bypass process.py."""
    found = []
    starters = re.compile(r"(system|popen|exec[lv]\w*|spawn[lv]\w*|posix_spawn\w*)")
    for path in _python_files(package_dir):
        name = module_name(path, package_dir)
        if name == "process":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            found += [
                f"{name}:{node.lineno}: imports {imported}"
                for imported in _imported_names(node)
                if imported.split(".")[0] in {"subprocess", "multiprocessing", "pty"}
            ]
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and node.value.id == "os"
                and starters.fullmatch(node.attr)
            ):
                found.append(f"{name}:{node.lineno}: calls os.{node.attr}")
    return found


def size_violations(root: Path) -> list[str]:
    """Functions and modules that are too long."""
    found = []
    for path in _python_files(root):
        text = path.read_text(encoding="utf-8")
        n_lines = len(text.splitlines())
        limit = MAX_PIPELINE_LINES if path.name == "pipeline.py" else MAX_MODULE_LINES
        if n_lines > limit:
            found.append(f"{path}: {n_lines} lines; at most {limit}")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > MAX_FUNCTION_LINES:
                    found.append(f"{path}:{node.lineno}: {node.name} has {length} lines")
    return found


def docstring_violations(package_dir: Path) -> list[str]:
    """Public modules, classes, functions and methods without a docstring."""
    found = []
    for path in _python_files(package_dir):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if ast.get_docstring(tree) is None and path.stat().st_size:
            found.append(f"{path}: no module docstring")
        found += [f"{path}: {name}" for name in _undocumented(tree, private=False)]
    return found


def text_violations(files: list[Path], patterns: dict[str, re.Pattern[str]]) -> list[str]:
    """Lines of text files that match a forbidden pattern; keys say what was found."""
    found = []
    for path in files:
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(lines, start=1):
            found += [
                f"{path}:{number}: {what}: {line.strip()[:80]}"
                for what, pattern in patterns.items()
                if pattern.search(line)
            ]
    return found


def cpp_violations(files: list[Path]) -> list[str]:
    """Heap, exceptions, RTTI and streams in firmware sources (comments and strings aside)."""
    forbidden = re.compile(
        r"\b(malloc|calloc|realloc|throw|try|catch|dynamic_cast|typeid)\b"
        r"|\bstd::(vector|string|map|list|function|unique_ptr|shared_ptr|deque)\b"
        r"|\bnew\b(?!\s*[(>])"
        r"|#include\s*<(iostream|vector|string|map|thread|sstream)>"
    )
    quiet = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"', re.DOTALL)
    found = []
    for path in files:
        text = quiet.sub(
            lambda match: "\n" * match.group().count("\n"), path.read_text(encoding="utf-8")
        )
        for number, line in enumerate(text.splitlines(), start=1):
            match = forbidden.search(line)
            if match:
                found.append(f"{path}:{number}: {match.group()}")
    return found


def _python_files(root: Path) -> list[Path]:
    return sorted(p for p in root.rglob("*.py") if "__pycache__" not in p.parts)


def _imported_names(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        return [node.module]
    return []


def _module_level_nodes(tree: ast.Module) -> list[ast.stmt]:
    """Statements that run on import, without those guarded by TYPE_CHECKING."""
    nodes: list[ast.stmt] = []
    waiting: list[ast.stmt] = list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        nodes.append(node)
        waiting += [child for child in ast.walk(node) if _is_inner_statement(child, node)]
    return nodes


def _is_inner_statement(child: ast.AST, parent: ast.stmt) -> bool:
    inner = [*getattr(parent, "body", []), *getattr(parent, "orelse", [])]
    inner += [*getattr(parent, "finalbody", [])]
    inner += [s for handler in getattr(parent, "handlers", []) for s in handler.body]
    return any(child is statement for statement in inner)


def _running_nodes(tree: ast.AST) -> list[ast.AST]:
    """All nodes but those under TYPE_CHECKING: an annotation depends on nothing when run."""
    nodes = [tree]
    for child in ast.iter_child_nodes(tree):
        if not (isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)):
            nodes += _running_nodes(child)
    return nodes


def _package_imports(path: Path, package_dir: Path) -> list[tuple[str, int]]:
    """Modules of the package that a file imports anywhere, as names below the package."""
    package = package_dir.name
    targets: list[tuple[str, int]] = []
    for node in _running_nodes(ast.parse(path.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = _absolute_base(node, path, package_dir)
            names = [f"{base}.{alias.name}" for alias in node.names]
        targets += [
            (_existing_module(name[len(package) + 1 :], package_dir), node.lineno)
            for name in names
            if name == package or name.startswith(package + ".")
        ]
    return targets


def _absolute_base(node: ast.ImportFrom, path: Path, package_dir: Path) -> str:
    if not node.level:
        return node.module or ""
    folder = path.parent
    for _ in range(node.level - 1):
        folder = folder.parent
    parts = (package_dir.name, *folder.relative_to(package_dir).parts)
    return ".".join((*parts, node.module) if node.module else parts)


def _existing_module(target: str, package_dir: Path) -> str:
    """Cut trailing attribute names until a module or package file is there."""
    parts = target.split(".") if target else []
    while parts:
        path = package_dir.joinpath(*parts)
        if path.with_suffix(".py").is_file() or path.is_dir():
            break
        parts.pop()
    return ".".join(parts)


def _undocumented(tree: ast.AST, *, private: bool) -> list[str]:
    found = []
    for node in ast.iter_child_nodes(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        hidden = private or node.name.startswith("_")
        if not hidden and ast.get_docstring(node) is None and not _is_overload(node):
            found.append(f"{node.lineno}: {node.name} has no docstring")
        if isinstance(node, ast.ClassDef):
            found += _undocumented(node, private=hidden)
    return found


def _is_overload(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> bool:
    return any(
        ast.unparse(d).split(".")[-1] in {"overload", "override"} for d in node.decorator_list
    )
