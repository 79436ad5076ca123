"""Runs single passes of the clean-up on hand-made files."""

from __future__ import annotations

from tflm_gen.cleanup.parts import part_model
from tflm_gen.cleanup.records import Change, Pass
from tflm_gen.model.graph import Document, read_document, write_document
from tflm_gen.model.reader import parse_model
from tflm_gen.oracle.client import run_oracle
from tflm_gen.vectors import make_vectors


def document(data: bytes) -> Document:
    return read_document(parse_model(data, "m.tflite"))


def run_pass(entry: Pass, data: bytes | Document) -> tuple[Document, Change]:
    result = entry.run(data if isinstance(data, Document) else document(data))
    assert result is not None
    # What a pass leaves must be a valid file.
    parse_model(write_document(result[0]), "m.tflite")
    return result


def leaves_alone(entry: Pass, data: bytes) -> bool:
    return entry.run(document(data)) is None


def ops(result: Document) -> list[str]:
    return [operator.op for operator in result.main.operators]


def claims_hold(change: Change) -> bool:
    """Every part of a change gives what its reference computes."""
    assert change.claims
    for claim in change.claims:
        part = part_model(claim.graph)
        vectors = make_vectors(part.inputs, count=20, seed=3)
        if run_oracle(part.flatbuffer, vectors).outputs != claim.reference(vectors):
            return False
    return True
