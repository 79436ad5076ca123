"""Small models and project specs for tests of generation; nothing is compiled or run here."""

from __future__ import annotations

from functools import cache

from tflm_gen.board_loader import Board, load_board
from tflm_gen.model.ops import op_usage
from tflm_gen.model.reader import parse_model
from tflm_gen.model.records import Model
from tflm_gen.project.compiled import compile_part
from tflm_gen.project.plan import GoldenVector, ProjectSpec
from tflm_gen.tflm.op_table import load_op_table, select_ops
from tflm_gen.tflm.source_facts import SOURCES


@cache
def dense_model(name: str = "tiny.tflite", n_inputs: int = 8, n_outputs: int = 3) -> Model:
    """FULLY_CONNECTED and SOFTMAX, a few hundred bytes."""
    from tests.support.model_builder import ModelBuilder

    net = ModelBuilder(seed=11)
    x = net.input((1, n_inputs), name="window")
    return parse_model(net.finish([net.softmax(net.fully_connected(x, n_outputs))]), name)


def spec_for(board: str | Board, model: Model | None = None, **changes: object) -> ProjectSpec:
    """A project spec with a made-up golden vector."""
    model = model or dense_model()
    board = load_board(board) if isinstance(board, str) else board
    source = SOURCES[board.spec.tflm.sources[0]]
    compiled = compile_part(model, board)
    usages = op_usage(model)
    fields: dict[str, object] = {
        "model": model,
        "usages": usages,
        "entries": select_ops(usages, load_op_table(source.id)),
        "board": board,
        "engine": "tflm",
        "kernels": source.kernels[0],
        "source": source,
        "golden": golden_for(model),
        "compiled": compiled,
    }
    return ProjectSpec(**{**fields, **changes})


def golden_for(model: Model) -> GoldenVector:
    """Counting bytes as inputs and outputs."""
    return GoldenVector(
        inputs=tuple(bytes(range(tensor.n_elements)) for tensor in model.inputs),
        outputs=tuple(bytes(range(100, 100 + t.n_elements)) for t in model.outputs),
        oracle="a made-up oracle",
    )
