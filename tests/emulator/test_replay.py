"""Recordings through the firmware's own preprocessing: raw inputs and outputs, byte for byte."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.support.command_line import run_tool
from tests.support.ecg_records import spec_text, write_npz
from tests.support.requirements import require
from tests.support.spec_models import AVERAGE, model_with_spec
from tflm_gen.errors import FirmwareError, ProtocolError
from tflm_gen.evaluate.beats import read_record
from tflm_gen.evaluate.device_inputs import compare_inputs, host_beats
from tflm_gen.model.reader import parse_model, read_model
from tflm_gen.pipeline import BuildRequest, build_project
from tflm_gen.preprocess.carried import carried_spec
from tflm_gen.runner.launch import open_device
from tflm_gen.runner.replay import replay_record
from tflm_gen.runner.select import select_device
from tflm_gen.runner.target import load_target

pytestmark = [pytest.mark.oracle, pytest.mark.hostcc]

NEEDS = {"corstone300": ("cross", "qemu"), "nrf52840": ("cross", "qemu"), "host": ("hostcc",)}
DETECTS = ('trigger = "annotation_triggered"', 'trigger = "detector"')
TWO_CHANNELS = ("[normalization]", f"{AVERAGE}[normalization]")


def build(folder: Path, board: str, text: str | None, *, channels: int = 1) -> Path:
    for need in NEEDS[board]:
        require(need)
    model = parse_model(model_with_spec(text, channels=channels), "beats.tflite")
    build_project(BuildRequest(model=model, board_id=board, out=folder / board, engine="compiled"))
    return folder / board


def opened(project: Path):
    target = load_target(project)
    name = "host" if project.name == "host" else "qemu"
    return open_device(select_device(target, with_name=name), timeout_s=60.0)


@pytest.fixture(scope="module", params=NEEDS)
def project(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two channels, beats told by the host."""
    return build(tmp_path_factory.mktemp("p"), request.param, spec_text(TWO_CHANNELS), channels=2)


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("records")
    write_npz(folder / "one.npz", seed=21)
    return folder


def test_inputs_and_outputs_of_a_record_equal_the_host_s(project: Path, records: Path) -> None:
    name = "host" if project.name == "host" else "qemu"
    result = run_tool(
        *("replay", str(project), "--records", str(records), "--with", name, "--invoke", "--json")
    )
    assert result.exit_code == 0, result.stdout + result.stderr
    document = json.loads(result.stdout)
    assert document["schema"] == "tflm-gen/replay/1"
    assert document["is_equal"] is True
    assert document["is_model_run"] is True
    (record,) = document["records"]
    assert record["n_samples"] == 7200
    assert record["n_beats"] == record["n_device_beats"] > 15
    # Every beat: 5 intervals, 2 x 128 values, 3 outputs.
    assert record["n_bytes"] == record["n_beats"] * (5 + 256 + 3)
    if name == "qemu":
        assert record["cost_unit"] == "instructions"
        assert 50 < record["cost"] < 2000


def test_another_sample_is_seen(project: Path, records: Path) -> None:
    """One converter step more in one sample changes bytes, and the comparison says where."""
    model = read_model(project / "model" / "model.tflite")
    spec = carried_spec(model)
    assert spec is not None
    record = read_record(records, "one", spec)
    expected = host_beats(model, spec, record, invoke=False)
    adc = record.adc.copy()
    adc[1000] += 40
    with opened(project) as session:
        boot = session.connect()
        found = replay_record(session, adc, record.beats)
        again = replay_record(session, record.adc, record.beats)
    assert boot.timer is not None
    known = {"clock": session.clock, "tick_hz": boot.timer.hz}
    compared = compare_inputs(record, expected, found, **known)
    assert not compared.is_equal
    assert compared.first_difference.startswith("beat ")
    # REPLAY forgets: the next recording does not feel the one before.
    assert compare_inputs(record, expected, again, **known).is_equal


def test_samples_out_of_place_are_refused(project: Path) -> None:
    with opened(project) as session:
        session.connect()
        with pytest.raises(ProtocolError, match="SAMPLES was refused"):
            session.call("SAMPLES", {"at": 0, "data": b"\0\0"}, is_repeatable=False)
        session.call("REPLAY", {"invoke": 0})
        session.call("SAMPLES", {"at": 0, "data": bytes(20)}, is_repeatable=False)
        for fields in ({"at": 9, "data": b"\0\0"}, {"at": 10, "data": b"\0"}):
            with pytest.raises(ProtocolError, match="SAMPLES was refused"):
                session.call("SAMPLES", fields, is_repeatable=False)
        # A beat in the past, and beats out of order.
        for places in ([3], [40, 30]):
            data = np.array(places, "<u4").tobytes()
            with pytest.raises(ProtocolError, match="BEATS was refused"):
                session.call("BEATS", {"data": data}, is_repeatable=False)


@pytest.mark.parametrize("board", ["corstone300", "nrf52840"])
def test_the_detector_finds_the_same_beats_on_the_device(
    board: str, records: Path, tmp_path: Path
) -> None:
    built = build(tmp_path, board, spec_text(DETECTS))
    result = run_tool("replay", str(built), "--records", str(records), "--with", "qemu", "--json")
    assert result.exit_code == 0, result.stdout + result.stderr
    document = json.loads(result.stdout)
    assert document["trigger"] == "detector"
    assert document["records"][0]["n_beats"] > 15


def test_a_model_without_a_specification_is_told_of_and_has_no_replay(
    tmp_path: Path, records: Path
) -> None:
    built = build(tmp_path, "host", None)
    manifest = json.loads((built / "manifest.json").read_text())
    (warning,) = (text for text in manifest["warnings"] if "preprocessing" in text)
    assert "another sampling rate, lead, filter, gain" in warning
    assert not (built / "generated" / "preprocess_config.h").exists()
    with opened(built) as session:
        session.connect()
        with pytest.raises(FirmwareError, match="carries no preprocessing"):
            session.call("REPLAY", {"invoke": 0})
    result = run_tool("replay", str(built), "--records", str(records))
    assert result.exit_code == 2
    assert "carries no preprocessing" in result.stderr
