"""emulate, bench and verify as users run them, on real firmware in QEMU."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.support.command_line import ROOT, run_tool
from tests.support.device_processes import processes_with
from tests.support.device_projects import (
    build_device_project,
    qemu_on_a_terminal,
    spoil_golden_output,
)
from tests.support.model_builder import ModelBuilder
from tests.support.stateful_model import streaming_svdf
from tflm_gen.model.reader import read_model
from tflm_gen.project.manifest import read_manifest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.device_projects import DeviceProject

pytestmark = [pytest.mark.qemu, pytest.mark.cross, pytest.mark.image, pytest.mark.oracle]


def test_emulate_shows_the_start_up_and_the_verdict(cnn):
    result = run_tool("emulate", str(cnn.root))
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("running small_cnn with qemu (")
    for words in ("banner", "phase     name=allocate", "tensor    io=input", "ready     status=0"):
        assert words in result.stdout
    assert "self-test: passed: all 4 output bytes equal the reference's" in result.stdout
    assert processes_with(str(cnn.root)) == []


def test_emulate_as_json(cnn):
    result = run_tool("emulate", str(cnn.root), "--json")
    document = json.loads(result.stdout)
    assert document["schema"] == "tflm-gen/emulate/1"
    assert document["device"]["name"] == "qemu"
    assert document["boot"]["banner"]["board"] == "corstone300"
    assert document["selftest_passed"] is True
    assert any(" BANNER " in line["text"] for line in document["lines"])


@pytest.mark.parametrize(
    ("project", "code", "words"),
    [
        ("silent", "TG402", "sent nothing at all"),
        ("lockup", "TG403", "lockup"),
    ],
)
def test_emulate_diagnoses_firmware_that_does_not_start(request, project, code, words):
    broken: DeviceProject = request.getfixturevalue(project)
    result = run_tool("emulate", str(broken.root), "--timeout", "2")
    assert result.exit_code == 4
    assert f"error[{code}]" in result.stderr
    assert words in result.stderr
    assert "Traceback" not in result.stderr
    assert processes_with(str(broken.root)) == []


def test_bench_gives_instructions_and_never_time(cnn):
    result = run_tool("bench", str(cnn.root))
    assert result.exit_code == 0, result.stderr
    assert "basis: emulated_instructions" in result.stdout
    assert "2 warm-up and 10 timed runs" in result.stdout
    assert "CONV_2D" in result.stdout
    assert not re.search(r"\b(ms|us|milliseconds|cycles:)\b", result.stdout)


def test_bench_as_json_is_the_same_twice(cnn):
    documents = [
        json.loads(run_tool("bench", str(cnn.root), "--json", "--runs", "3").stdout)
        for _ in range(2)
    ]
    assert documents[0] == documents[1]
    document = documents[0]
    assert document["schema"] == "tflm-gen/bench/1"
    assert (document["basis"], document["unit"]) == ("emulated_instructions", "instructions")
    assert (document["warmup"], document["runs"], document["invoke"]["n"]) == (2, 3, 3)
    assert document["init"] > 0
    assert document["first_invoke"] >= document["invoke"]["median"]
    flashed = read_model(cnn.root / "model" / "model.tflite")
    assert [op["op"] for op in document["operators"]] == [op.op for op in flashed.main.operators]


def test_verify_proves_equal_bytes(cnn):
    result = run_tool("verify", str(cnn.root))
    assert result.exit_code == 0, result.stdout + result.stderr
    assert "EQUAL: 32 vectors, all 128 output bytes equal" in result.stdout
    assert "the model before its clean-up gives the same bytes" in result.stdout


def test_verify_as_json(cnn):
    result = run_tool("verify", str(cnn.root), "--json", "--vectors", "5", "--seed", "9")
    document = json.loads(result.stdout)
    assert document["schema"] == "tflm-gen/verify/1"
    assert (document["equal"], document["vectors"], document["bytes"]) == (True, 5, 20)
    assert document["first_divergence"] is None


@pytest.fixture(scope="module")
def odd_stride(tmp_path_factory: pytest.TempPathFactory) -> DeviceProject:
    """A model that the image's kernel library computes differently from the reference.

    Its CONV_2D with stride 2 and SAME padding on an odd width reads past the end of its input.
    """
    net = ModelBuilder(seed=5)
    x = net.conv_1d(net.input((1, 45, 16)), 24, 5, stride=2, activation="RELU")
    x = net.conv_1d(x, 24, 3, activation="RELU")
    flatbuffer = net.finish([net.softmax(net.fully_connected(net.mean(x, (1,)), 4))])
    return build_device_project(flatbuffer, "odd_stride", tmp_path_factory.mktemp("odd") / "p")


def test_verify_names_the_first_operator_that_differs(odd_stride):
    result = run_tool("verify", str(odd_stride.root))
    assert result.exit_code == 1, result.stdout + result.stderr
    assert "first operator that differs: #1 CONV_2D" in result.stdout
    assert re.search(r"device -?\d+ host -?\d+, max \|difference\| \d+", result.stdout)
    assert re.search(r"DIFFERENT: \d+ of 32 vectors", result.stdout.splitlines()[-1])


def test_golden_vector_is_not_in_the_memory_of_the_code(odd_stride):
    """Of long windows it would find no room in what the image leaves of ITCM."""
    memory = read_manifest(odd_stride.root).memory
    code = next(item for item in memory.placements if item.what == "code")
    assert code.bytes + 45 * 16 <= memory.code_flash_bytes


def test_verify_names_it_in_json(odd_stride):
    document = json.loads(run_tool("verify", str(odd_stride.root), "--json").stdout)
    assert document["equal"] is False
    assert document["first_divergence"]["op"] == "CONV_2D"
    assert document["first_divergence"]["operator_index"] == 1
    assert document["first_divergence"]["difference"]["n_different"] > 0


@pytest.fixture(scope="module")
def spoiled(cnn, tmp_path_factory: pytest.TempPathFactory) -> DeviceProject:
    """A project whose firmware expects other golden bytes than its model gives."""
    folder = tmp_path_factory.mktemp("spoiled")
    elf = spoil_golden_output(cnn.target.elf_path, folder / "spoiled.elf")
    return cnn.copy_with_elf(folder / "p", elf)


def test_emulate_says_no_when_the_golden_vector_differs(spoiled):
    result = run_tool("emulate", str(spoiled.root))
    assert result.exit_code == 1
    assert "self-test: FAILED: output byte 0 of 4 differs" in result.stdout


def test_verify_and_bench_still_run_when_the_golden_vector_differs(spoiled):
    assert run_tool("verify", str(spoiled.root), "--vectors", "2").exit_code == 0
    assert run_tool("bench", str(spoiled.root)).exit_code == 0


def test_verify_starts_every_vector_of_a_streaming_model_afresh(tmp_path):
    project = build_device_project(streaming_svdf(), "svdf", tmp_path / "p")
    result = run_tool("verify", str(project.root))
    assert result.exit_code == 0, result.stdout + result.stderr
    assert "EQUAL: 32 vectors" in result.stdout


def test_every_verb_works_on_a_terminal_that_it_joins_late(cnn):
    with qemu_on_a_terminal(cnn) as port:
        verified = run_tool("verify", str(cnn.root), "--port", port)
        assert verified.exit_code == 0, verified.stderr
        assert f"({'--port ' + port})" in verified.stdout
        assert "EQUAL: 32 vectors" in verified.stdout
        benched = run_tool(
            "bench", str(cnn.root), "--port", port, "--warmup", "1", "--runs", "5", "--json"
        )
        document = json.loads(benched.stdout)
        assert (document["basis"], document["init"]) == ("measured_cycles", None)
        assert document["invoke"]["n"] == 5
        emulated = run_tool("emulate", str(cnn.root), "--port", port)
        assert emulated.exit_code == 0, emulated.stderr
        assert "self-test: passed" in emulated.stdout


def test_a_difference_on_a_real_port_says_how_to_find_its_operator(odd_stride):
    with qemu_on_a_terminal(odd_stride) as port:
        result = run_tool("verify", str(odd_stride.root), "--port", port)
    assert result.exit_code == 1
    assert "DIFFERENT: " in result.stdout
    assert "--reflash auto" in result.stdout


def test_a_board_with_another_model_is_refused(cnn, odd_stride):
    with qemu_on_a_terminal(cnn) as port:
        result = run_tool("verify", str(odd_stride.root), "--port", port)
    assert result.exit_code == 4
    assert "runs another firmware" in result.stderr


@pytest.mark.parametrize(
    ("signum", "exit_code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 130), (signal.SIGKILL, -signal.SIGKILL)],
)
def test_no_emulator_outlives_the_tool(silent, signum, exit_code):
    tool = subprocess.Popen(
        [sys.executable, "-m", "tflm_gen", "emulate", str(silent.root), "--timeout", "100"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    elf = str(silent.target.elf_path)
    wait_until(lambda: len(processes_with(elf)) == 1)
    os.kill(tool.pid, signum)
    assert tool.wait(timeout=30) == exit_code
    wait_until(lambda: processes_with(elf) == [])


def wait_until(condition) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_project_whose_model_was_changed_is_refused(cnn, tmp_path: Path):
    changed = cnn.copy_with_elf(tmp_path / "p", cnn.target.elf_path)
    path = changed.root / "model" / "model.tflite"
    path.write_bytes(path.read_bytes() + b"\0")
    result = run_tool("verify", str(changed.root))
    assert result.exit_code == 2
    assert "error[TG503]" in result.stderr
