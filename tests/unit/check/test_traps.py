"""The trap file is well-formed, its matchers exist, and the conditions are those that were seen."""

from __future__ import annotations

import re

import pytest

from tests.support.model_builder import ModelBuilder
from tflm_gen.check.traps import MATCHERS, _row_end_is_misread, load_traps, right_padding
from tflm_gen.check.use import uses_of
from tflm_gen.model.reader import parse_model
from tflm_gen.tflm.source_facts import SOURCES

DATED, TRAPS = load_traps()


def test_file_is_dated() -> None:
    assert re.fullmatch(r"20\d\d-\d\d-\d\d", DATED)


@pytest.mark.parametrize("trap", TRAPS, ids=lambda trap: trap.id)
def test_trap_is_complete(trap) -> None:
    assert trap.match in MATCHERS
    assert trap.severity in ("warning", "note")
    assert trap.evidence in ("reproduced", "reported")
    assert trap.runtimes or trap.kernels
    assert trap.runtimes <= set(SOURCES)
    assert all((trap.affected, trap.message, trap.reason, trap.remedy, trap.reproducer))
    if trap.evidence == "reported":
        assert re.search(r"[\w-]+/[\w.-]+#\d+", trap.reason), "a thread is named"
    assert ("not reproduced here" in trap.reason) <= (trap.evidence == "reported")


def test_ids_are_unique() -> None:
    assert len({trap.id for trap in TRAPS}) == len(TRAPS)


def row(width: int, kernel: int, stride: int, channels: int, **options) -> bytes:
    net = ModelBuilder(seed=1)
    height = options.pop("height", 1)
    x = net.input((1, height, width, channels))
    return net.finish([net.conv_2d(x, 8, (1, kernel), stride=(1, stride), **options)])


def is_hit(flatbuffer: bytes) -> bool:
    trap = next(trap for trap in TRAPS if trap.id == "conv-row-right-padding")
    return any(trap.words_for(use) for use in uses_of(parse_model(flatbuffer, "m")))


@pytest.mark.parametrize(
    ("width", "kernel", "stride", "channels"),
    [(31, 5, 2, 8), (30, 5, 2, 4), (30, 7, 2, 16), (31, 9, 2, 8), (45, 5, 2, 16), (31, 5, 2, 2)],
)
def test_rows_that_were_seen_to_differ(width: int, kernel: int, stride: int, channels: int) -> None:
    assert is_hit(row(width, kernel, stride, channels))


@pytest.mark.parametrize(
    ("width", "kernel", "stride", "channels"),
    [(31, 5, 2, 1), (31, 5, 2, 3), (31, 3, 2, 8), (31, 5, 1, 8), (30, 5, 3, 8), (32, 7, 3, 2)],
)
def test_rows_that_were_seen_to_agree(width: int, kernel: int, stride: int, channels: int) -> None:
    assert not is_hit(row(width, kernel, stride, channels))


@pytest.mark.parametrize("options", [{"height": 2}, {"padding": "VALID"}])
def test_other_forms_are_not_hit(options: dict[str, object]) -> None:
    assert not is_hit(row(31, 5, 2, 8, **options))


@pytest.mark.parametrize(
    ("width", "kernel", "stride", "right"),
    [(31, 5, 2, 2), (30, 5, 2, 2), (31, 3, 2, 1), (9, 1, 2, 0)],
)
def test_right_padding(width: int, kernel: int, stride: int, right: int) -> None:
    assert right_padding(width, kernel, stride) == right


# Seen on Arm's image in QEMU: whether any output differed from the wheel's.
@pytest.mark.parametrize(
    ("width", "kernel", "stride", "is_wrong"),
    [
        *((31, 5, 2, True), (30, 5, 2, True), (24, 9, 3, True), (47, 13, 2, True)),
        *((59, 10, 2, True), (26, 9, 3, True), (21, 12, 5, True)),
        *((31, 11, 2, False), (31, 9, 3, False), (50, 12, 4, False), (30, 8, 2, False)),
        *((31, 3, 2, False), (31, 9, 1, False), (4, 10, 2, False), (60, 2, 5, False)),
    ],
)
def test_where_the_row_kernel_misreads(
    width: int, kernel: int, stride: int, is_wrong: bool
) -> None:
    assert _row_end_is_misread(width, kernel, stride) == is_wrong
