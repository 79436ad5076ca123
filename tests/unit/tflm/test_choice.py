from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.projects import dense_model
from tflm_gen.board_loader import load_board
from tflm_gen.errors import (
    MissingSourceError,
    NotCompilableError,
    UnsupportedChoiceError,
    UnsupportedOperatorError,
    UsageError,
)
from tflm_gen.model.ops import op_usage
from tflm_gen.tflm.choice import choose_engine, choose_ops
from tflm_gen.tflm.sources import TREE_MARK, TREE_VARIABLE, find_source


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TFLM_GEN_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv(TREE_VARIABLE, raising=False)


def make_tree(folder: Path) -> Path:
    (folder / TREE_MARK).parent.mkdir(parents=True)
    (folder / TREE_MARK).write_text("// TFLM\n")
    return folder


OBSTACLE = NotCompilableError("operator 3 LSTM: not here", hint="Use --engine tflm.")


def choose(board: str, engine: str = "auto", kernels: str = "auto", **more: object):
    return choose_engine(load_board(board), engine=engine, kernels=kernels, **more)


@pytest.mark.parametrize("board", ["corstone300", "nrf52840"])
def test_auto_without_a_source_links_the_compiled_engine(board: str) -> None:
    choice = choose(board)
    assert (choice.engine, choice.kernels, choice.source) == ("compiled", "tflm-gen", None)
    assert choice.can_link
    assert choice.reasons[0].reason.endswith("is not here")


@pytest.mark.parametrize("board", ["corstone300", "nrf52840"])
@pytest.mark.parametrize(
    "options", [{"obstacle": OBSTACLE}, {"kernels": "cmsis-nn"}], ids=["obstacle", "kernels"]
)
def test_auto_without_a_source_links_nothing_where_tflm_is_meant(
    board: str, options: dict[str, object]
) -> None:
    choice = choose(board, **options)
    assert (choice.engine, choice.source, choice.can_link) == ("tflm", None, False)
    assert "nothing is linked" in choice.reasons[0].reason


@pytest.mark.oracle
def test_auto_with_a_source_stays_with_tflm() -> None:
    choice = choose("host")
    assert (choice.engine, choice.can_link) == ("tflm", True)


@pytest.mark.parametrize("options", [{"engine": "compiled"}, {"kernels": "tflm-gen"}])
def test_compiled_by_name(options: dict[str, str]) -> None:
    choice = choose("host", **options)
    assert choice.is_compiled
    assert choice.reasons[0].reason.startswith("asked for with --")
    with pytest.raises(NotCompilableError, match="LSTM"):
        choose("host", obstacle=OBSTACLE, **options)


def test_compiled_with_kernels_of_tflm_is_refused() -> None:
    with pytest.raises(UnsupportedChoiceError, match="has its own kernels, not cmsis-nn"):
        choose("nrf52840", "compiled", "cmsis-nn")


def test_operator_that_tflm_lacks_is_no_obstacle_to_the_compiled_engine() -> None:
    model = dense_model()
    usages = tuple(replace(usage, op="NO_SUCH_OP") for usage in op_usage(model))
    ops = choose_ops(choose("nrf52840", "compiled"), model, usages)
    assert ops.entries == ()
    assert "NO_SUCH_OP" in ops.obstacle
    with pytest.raises(UnsupportedOperatorError, match="NO_SUCH_OP"):
        choose_ops(choose("nrf52840", kernels="reference"), model, usages)


@pytest.mark.parametrize("board", ["corstone300", "nrf52840"])
def test_tflm_by_name_without_a_source_is_an_error(board: str) -> None:
    with pytest.raises(MissingSourceError) as caught:
        choose(board, "tflm")
    assert caught.value.exit_code == 3
    assert "tflm-gen deps get" in caught.value.hint


@pytest.mark.oracle
def test_host_links_the_wheel() -> None:
    choice = choose("host")
    assert choice.source is not None
    assert choice.source.path.name == "_runtime.so"
    assert choice.kernels == "reference"


def test_tree_by_option_and_by_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = make_tree(tmp_path / "tree")
    by_option = choose("nrf52840", tflm_dir=tree)
    assert by_option.source is not None
    assert by_option.source.path == tree
    monkeypatch.setenv(TREE_VARIABLE, str(tree))
    by_environment = choose("nrf52840", "tflm")
    assert by_environment.source == by_option.source


def test_tree_digest_follows_the_sources(tmp_path: Path) -> None:
    tree = make_tree(tmp_path / "tree")
    digests = set()
    for text in ("// one\n", "// two\n"):
        (tree / TREE_MARK).write_text(text)
        source = find_source("upstream", tflm_dir=tree)
        assert source is not None
        digests.add(source.sha256)
    assert len(digests) == 2


def test_folder_that_is_no_tree_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="no tree of TFLM's sources"):
        choose("nrf52840", tflm_dir=tmp_path)
    monkeypatch.setenv(TREE_VARIABLE, str(tmp_path))
    with pytest.raises(UsageError, match="no tree of TFLM's sources"):
        choose("nrf52840")


def test_tree_for_a_board_that_links_no_sources_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedChoiceError, match="not from a tree"):
        choose("corstone300", tflm_dir=make_tree(tmp_path / "tree"))


def test_kernels_the_source_does_not_have_are_refused() -> None:
    with pytest.raises(UnsupportedChoiceError, match="cmsis-nn or ethos-u, not reference"):
        choose("corstone300", kernels="reference")


def test_kernels_by_name() -> None:
    choice = choose("nrf52840", kernels="reference")
    assert choice.kernels == "reference"
    assert choice.reasons[1].reason == "asked for with --kernels reference"
