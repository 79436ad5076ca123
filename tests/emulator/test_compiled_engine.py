"""Firmware with the model as C on its emulators: banner, latency, steps, bytes, faults, tap."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.command_line import run_tool
from tests.support.device_projects import small_cnn
from tests.support.requirements import require
from tflm_gen.examples import example_model
from tflm_gen.model.reader import parse_model, read_model
from tflm_gen.oracle.tap import make_tap_model
from tflm_gen.pipeline import BuildRequest, build_project
from tflm_gen.runner.launch import open_device
from tflm_gen.runner.select import select_device
from tflm_gen.runner.target import load_target

pytestmark = [pytest.mark.oracle]

MARKS = {
    "nrf52840": ("cross", "qemu"),
    "corstone300": ("cross", "qemu"),
    "host": ("hostcc",),
}


@pytest.fixture(scope="module", params=MARKS)
def project(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example with engine compiled, on each board."""
    board: str = request.param
    for need in MARKS[board]:
        require(need)
    out = tmp_path_factory.mktemp(board) / f"ecg-{board}"
    model = read_model(example_model("ecg"))
    build_project(BuildRequest(model=model, board_id=board, out=out, engine="compiled"))
    return out


def device_name(project: Path) -> str:
    return "host" if project.name.endswith("-host") else "qemu"


def run_verb(project: Path, verb: str, *options: str) -> dict[str, object]:
    result = run_tool(verb, str(project), "--with", device_name(project), "--json", *options)
    assert result.exit_code == 0, result.stdout + result.stderr
    return json.loads(result.stdout)


def test_every_output_byte_is_the_reference_s(project: Path) -> None:
    document = run_verb(project, "verify")
    assert document["equal"] is True
    n_bytes = sum(tensor.n_elements for tensor in read_model(example_model("ecg")).outputs)
    assert (document["vectors"], document["bytes"]) == (32, 32 * n_bytes)
    device = document["device"]
    assert (device["engine"], device["kernels"]) == ("compiled", "tflm-gen")
    assert device["runtime"].startswith("tflm-gen-")


def test_bench_counts_each_step(project: Path) -> None:
    document = run_verb(project, "bench")
    operators = [row["op"] for row in document["operators"]]
    model = read_model(example_model("ecg"))
    n_dense = [op.op for op in model.main.operators].count("FULLY_CONNECTED")
    assert operators.count("FULLY_CONNECTED") == n_dense
    assert operators[-1] == "SOFTMAX"
    assert any(name.startswith("CONV_2D") for name in operators)
    assert document["arena"]["used_bytes"] <= document["arena"]["reserved_bytes"]
    if device_name(project) == "qemu":
        assert document["basis"] == "emulated_instructions"
        invoke = document["invoke"]
        assert invoke["minimum"] == invoke["maximum"]
        total = sum(row["count"] for row in document["operators"])
        assert abs(total - invoke["median"]) < 0.05 * invoke["median"]
        again = run_verb(project, "bench")
        assert again["invoke"] == invoke


def test_emulate_shows_the_banner(project: Path) -> None:
    result = run_tool("emulate", str(project), "--with", device_name(project))
    assert result.exit_code == 0, result.stdout + result.stderr
    assert "compiled" in result.stdout
    assert "tflm-gen" in result.stdout


def test_any_smaller_arena_is_refused_and_the_planned_one_runs(project: Path) -> None:
    """The plan is exact: 16 bytes less are too few, more are of no use."""
    planned = json.loads((project / "manifest.json").read_text())["arena"]["bytes"]
    choice = select_device(load_target(project), with_name=device_name(project))
    with open_device(choice, timeout_s=60) as session:
        session.connect()
        assert session.probe(planned).ran
        assert not session.probe(planned - 16).ran


@pytest.mark.cross
@pytest.mark.qemu
def test_tap_of_a_compiled_model_shows_every_operator(tmp_path: Path) -> None:
    """verify names the first operator that differs with such firmware."""
    model = parse_model(small_cnn(), "small_cnn.tflite")
    tap = parse_model(make_tap_model(model.flatbuffer)[0], "small_cnn.tflite")
    build_project(
        BuildRequest(
            model=tap,
            board_id="nrf52840",
            out=tmp_path / "tap",
            engine="compiled",
            arena_mode="largest",
            is_cleaned=False,
        )
    )
    result = run_tool("verify", str(tmp_path / "tap"), "--with", "qemu", "--json")
    document = json.loads(result.stdout)
    assert document["equal"] is True, document
    assert document["bytes"] > 32 * 64
