"""Imports point left only, heavy packages stay inside functions, one module starts programs."""

from __future__ import annotations

from pathlib import Path

import pytest

import tflm_gen
from tests.support.source_rules import (
    LAYERS,
    heavy_import_violations,
    layer_of,
    layer_violations,
    process_violations,
)

PACKAGE_DIR = Path(tflm_gen.__file__).parent


def test_imports_point_to_earlier_layers() -> None:
    assert layer_violations(PACKAGE_DIR) == []


def test_layer_table_names_only_what_is_there() -> None:
    names = [name for layer in LAYERS for name in layer if name != "tflm_gen"]
    paths = [PACKAGE_DIR.joinpath(*name.split(".")) for name in names]
    assert [p for p in paths if not p.is_dir() and not p.with_suffix(".py").is_file()] == []


def test_heavy_packages_are_imported_inside_functions() -> None:
    assert heavy_import_violations(PACKAGE_DIR) == []


def test_only_process_starts_programs() -> None:
    assert process_violations(PACKAGE_DIR) == []


def write_package(root: Path, **modules: str) -> Path:
    package = root / "tflm_gen"
    for name, text in modules.items():
        path = package / f"{name.replace('__in__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return package


@pytest.mark.parametrize(
    "text",
    [
        "import tflm_gen.cli.build",
        "from tflm_gen.cli import build",
        "from tflm_gen.cli.build import command",
        "from ..cli.build import command",
        "from .. import cli",
        "def f():\n    from tflm_gen.cli import build",
    ],
)
def test_layer_rule_sees_an_import_to_the_right(tmp_path: Path, text: str) -> None:
    package = write_package(tmp_path, model__in__reader=text, cli__in__build="command = 1")
    violations = layer_violations(package)
    assert len(violations) == 1
    assert violations[0].startswith("model.reader:")


def test_layer_rule_allows_an_import_to_the_left(tmp_path: Path) -> None:
    package = write_package(
        tmp_path, cli__in__build="from tflm_gen.model import reader", model__in__reader="x = 1"
    )
    assert layer_violations(package) == []


def test_layer_rule_allows_records_in_annotations(tmp_path: Path) -> None:
    text = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from tflm_gen.cli import build"
    package = write_package(tmp_path, model__in__reader=text, cli__in__build="command = 1")
    assert layer_violations(package) == []


def test_layer_rule_knows_every_module_or_says_so(tmp_path: Path) -> None:
    package = write_package(tmp_path, mystery="x = 1")
    assert layer_violations(package) == ["mystery: not in the layer table"]


def test_writer_is_in_the_layer_of_effects() -> None:
    plan, writer, process = (layer_of(n) for n in ("project.plan", "project.writer", "process"))
    assert plan is not None
    assert writer is not None
    assert plan < writer
    assert writer == process


@pytest.mark.parametrize(
    "text",
    [
        "import tensorflow as tf",
        "from serial.tools import list_ports",
        "try:\n    import tflite_micro\nexcept ImportError:\n    pass",
        "class A:\n    import tensorflow",
    ],
)
def test_heavy_rule_sees_a_module_level_import(tmp_path: Path, text: str) -> None:
    assert len(heavy_import_violations(write_package(tmp_path, model__in__reader=text))) == 1


@pytest.mark.parametrize(
    "text",
    [
        "def f():\n    import tensorflow",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import tensorflow",
    ],
)
def test_heavy_rule_allows_what_import_does_not_run(tmp_path: Path, text: str) -> None:
    assert heavy_import_violations(write_package(tmp_path, model__in__reader=text)) == []


@pytest.mark.parametrize(
    "text",
    ["import subprocess", "def f():\n    from subprocess import run", "import os\nos.system('x')"],
)
def test_process_rule_sees_a_bypass(tmp_path: Path, text: str) -> None:
    assert len(process_violations(write_package(tmp_path, runner=text))) == 1
    assert process_violations(write_package(tmp_path / "allowed", process=text)) == []
