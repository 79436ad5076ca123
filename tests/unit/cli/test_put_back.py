"""What verify --reflash says if the project's firmware cannot be written back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.dummy_target import dummy_target
from tflm_gen.cli.verify import _put_back
from tflm_gen.errors import FlashFailedError
from tflm_gen.runner.target import DeviceTarget

if TYPE_CHECKING:
    from collections.abc import Callable

TARGET = dummy_target(Path("project"), "nrf52840")


@pytest.fixture
def write(
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[FlashFailedError | None], list[tuple[str, str]]]:
    """Let writing end as given; the tools and ports that were asked for."""

    def let(error: FlashFailedError | None) -> list[tuple[str, str]]:
        asked = []

        def write_firmware(target: DeviceTarget, *, tool: str, port: str) -> None:
            assert target is TARGET
            asked.append((tool, port))
            if error is not None:
                raise error

        monkeypatch.setattr("tflm_gen.tap_device.write_firmware", write_firmware)
        return asked

    return let


@pytest.mark.parametrize("note", [None, "a note"])
def test_written_back_there_is_nothing_to_add(write, note) -> None:
    asked = write(None)
    assert _put_back(TARGET, "openocd", "/dev/ttyACM0", note) == note
    assert asked == [("openocd", "/dev/ttyACM0")]


@pytest.mark.parametrize("note", [None, "a note"])
def test_a_board_left_with_the_other_firmware_is_told(write, note) -> None:
    write(FlashFailedError("openocd did not prove it", hint=""))
    told = _put_back(TARGET, "openocd", "/dev/ttyACM0", note)
    assert told.startswith("a note; the project's" if note else "the project's")
    assert "could not be written back: openocd did not prove it" in told
    assert told.endswith("run: tflm-gen flash project")
