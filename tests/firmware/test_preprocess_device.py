"""The device's input tensors equal the host's, byte for byte, over whole records."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from tests.support.ecg_records import make_signal, spec_with
from tests.support.programs import check, run
from tflm_gen.preprocess.binding import config_of, preprocess_record, quantize_values, source_files
from tflm_gen.preprocess.spec import PreprocessSpec

pytestmark = [pytest.mark.cross, pytest.mark.qemu, pytest.mark.hostcc]

HERE = Path(__file__).parent / "preprocess"
CORES = {
    "cortex-m55": ("mps3-an547", ("-mcpu=cortex-m55", "-mfloat-abi=hard")),
    "cortex-m4": ("mps2-an386", ("-mcpu=cortex-m4", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16")),
}
SCALE, ZERO_POINT = 0.03125, 5


@pytest.fixture(scope="session", params=CORES)
def device(request, tmp_path_factory):
    """Machine and program for one core."""
    machine, flags = CORES[request.param]
    elf = tmp_path_factory.mktemp("preprocess") / "device.elf"
    sources, include = source_files()
    check(
        *(
            "arm-none-eabi-gcc",
            "-std=c11",
            "-O2",
            "-ffp-contract=off",
            "-fno-math-errno",
            "-mthumb",
            *flags,
        ),
        *("-Wall", "-Wextra", "-Werror", f"-I{include}", HERE / "device.c", *sources),
        *("-nostartfiles", "-specs=nosys.specs", f"-T{HERE / 'device.ld'}", "-lm", "-o", elf),
    )
    return machine, elf


def run_device(device, folder: Path, spec: PreprocessSpec, adc, beats) -> bytes:
    machine, elf = device
    header = (
        np.array([SCALE], "<f4").tobytes()
        + np.array([ZERO_POINT, len(adc), len(beats)], "<i4").tobytes()
    )
    (folder / "in.bin").write_bytes(
        bytes(config_of(spec))
        + header
        + np.asarray(beats, "<u4").tobytes()
        + np.asarray(adc, "<i2").tobytes()
    )
    result = run(
        *("qemu-system-arm", "-M", machine, "-display", "none", "-monitor", "none"),
        *("-serial", "none", "-semihosting-config", "enable=on,target=native", "-kernel", elf),
        cwd=folder,
    )
    assert result.returncode == 0, result.stderr
    return (folder / "out.bin").read_bytes()


def host_bytes(spec: PreprocessSpec, adc, beats) -> bytes:
    made = preprocess_record(spec, adc, beats)
    stored = quantize_values(made.windows, scale=SCALE, zero_point=ZERO_POINT)
    return b"".join(
        np.array([beat], "<u4").tobytes() + i8.tobytes() + window.tobytes() + rr.tobytes()
        for beat, i8, window, rr in zip(beats, stored, made.windows, made.rr, strict=True)
    )


def test_a_synthetic_record(device, tmp_path):
    spec = spec_with()
    adc, beats, _ = make_signal(60.0, seed=8)
    assert run_device(device, tmp_path, spec, adc, beats) == host_bytes(spec, adc, beats)


def test_zscore_windows(device, tmp_path):
    spec = spec_with(('kind = "fixed"\nscale_mv = 1.0', 'kind = "zscore"\nsmallest_sd_mv = 0.05'))
    adc, beats, _ = make_signal(30.0, seed=9)
    assert run_device(device, tmp_path, spec, adc, beats) == host_bytes(spec, adc, beats)


def test_windows_beside_the_running_average_and_all_intervals(device, tmp_path):
    average = "[average]\nhistory = 8\nfrom = -10\nto = 15\nlikeness = 0.9\nunlike_divisor = 8\n"
    average += "early_ratio = 0.9\np_from = -40\np_to = -10\n"
    features = '"pre_s", "post_s", "pre_ratio", "post_ratio", "pre_over_post"'
    more = (
        '"pre_s", "post_ratio", "pre_long_ratio", "post_long_ratio", "before_ratio", '
        '"irregularity", "unpredictability", "p_likeness"'
    )
    histories = "long_history = 256\nirregular_history = 16\nrhythm_history = 20\n"
    gains = "gains = [1, 1, 1, 1, 1, 1, 10, 0.7]"
    spec = spec_with(
        ("[normalization]", f"{average}[normalization]"),
        (features, more),
        ("history = 10", f"history = 10\n{histories}{gains}"),
    )
    adc, beats, _ = make_signal(40.0, seed=10)
    assert run_device(device, tmp_path, spec, adc, beats) == host_bytes(spec, adc, beats)


def test_fused_multiply_adds_would_be_seen(tmp_path):
    """Why the flag is there: the M4's fused instruction gives other bytes."""
    machine, flags = CORES["cortex-m4"]
    sources, include = source_files()
    check(
        *("arm-none-eabi-gcc", "-std=c11", "-O2", "-ffp-contract=fast", "-mthumb", *flags),
        *(f"-I{include}", HERE / "device.c", *sources, "-nostartfiles", "-specs=nosys.specs"),
        *(f"-T{HERE / 'device.ld'}", "-lm", "-o", tmp_path / "fused.elf"),
    )
    spec = spec_with()
    adc, beats, _ = make_signal(20.0, seed=8)
    found = run_device((machine, tmp_path / "fused.elf"), tmp_path, spec, adc, beats)
    assert len(found) == len(host_bytes(spec, adc, beats))
    assert found != host_bytes(spec, adc, beats)


@pytest.mark.mitdb
@pytest.mark.slow
@pytest.mark.parametrize("name", ["100", "119", "208", "232"])
def test_a_whole_real_record(device, tmp_path, name):
    from tflm_gen.records.wfdb_reader import read_wfdb

    record = read_wfdb(Path(os.environ["TFLM_GEN_MITDB_DIR"]) / name, "MLII")
    assert len(record.adc) == 650_000
    found = run_device(device, tmp_path, spec_with(), record.adc, record.beats)
    assert found == host_bytes(spec_with(), record.adc, record.beats)
