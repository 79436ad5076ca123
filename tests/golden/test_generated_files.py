"""The generated files of one tiny model on every kind of board, as whole texts."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from tests.golden.golden_texts import check_golden
from tests.support.projects import dense_model, spec_for
from tflm_gen.project.model_array import model_data_header
from tflm_gen.project.plan import plan_project


@pytest.mark.parametrize("board", ["corstone300", "host", "nrf52840"])
def test_generated_folder_matches_golden(board: str) -> None:
    project = plan_project(spec_for(board), arena_bytes=4096, arena_basis="proven: ran at 4096")
    check_golden(
        board,
        {
            path.name: data
            for path, data in project.files.items()
            if path.parent == PurePosixPath("generated") or path.name == "README.md"
        },
    )


def test_model_header_matches_golden() -> None:
    model = dense_model()
    header = model_data_header(
        model_name=model.name,
        data=b"TFL3" * 8,
        sha256="ab" * 32,
        schema_version=3,
    )
    check_golden("model_data", {"model_data.h": header})


def test_a_changed_fact_is_seen() -> None:
    project = plan_project(spec_for("host"), arena_bytes=4112, arena_basis="proven: ran at 4096")
    name = "arena_config.h"
    changed = {name: project.files[PurePosixPath("generated") / name]}
    with pytest.raises(AssertionError):
        check_golden("host", changed, may_update=False)
