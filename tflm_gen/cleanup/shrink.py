"""Leaves out what no interpreter needs: dead tensors, names, foreign metadata."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tflm_gen.cleanup.parts import renumber
from tflm_gen.cleanup.records import Change, Pass

if TYPE_CHECKING:
    from tflm_gen.model.graph import Document, Graph, GraphTensor
    from tflm_gen.model.tree import TableValue

OWN_METADATA_PREFIX = b"TFLM_GEN_"


def drop_dead(document: Document) -> Document:
    """Without tensors that nothing names and operators whose results nobody reads.

    Only the subgraph that runs is touched; others are called with fixed tensors.
    """
    main = _without_dead_operators(document.main)
    used = {i for operator in main.operators for i in operator.touched}
    used |= {*main.inputs, *main.outputs}
    # A tensor with a state may be named nowhere but by its resource.
    used |= {i for i, tensor in enumerate(main.tensors) if tensor.is_variable}
    places = {old: new for new, old in enumerate(sorted(used))}
    return replace(
        document,
        graphs=(renumber(main, places), *document.graphs[1:]),
        signatures=tuple(_moved(signature, places) for signature in document.signatures),
    )


def drop_words(document: Document) -> Document:
    """Without names (but of the main inputs and outputs), descriptions and foreign metadata."""
    main = document.main
    kept = {*main.inputs, *main.outputs}
    named = replace(
        main,
        name=b"",
        tensors=tuple(_bare(t, keeps_name=i in kept) for i, t in enumerate(main.tensors)),
    )
    others = (
        replace(g, name=b"", tensors=tuple(_bare(t, keeps_name=False) for t in g.tensors))
        for g in document.graphs[1:]
    )
    return replace(
        document,
        graphs=(named, *others),
        metadata=tuple(
            entry for entry in document.metadata if entry[0].startswith(OWN_METADATA_PREFIX)
        ),
        description=b"",
    )


def _without_dead_operators(graph: Graph) -> Graph:
    """Walk backwards from the outputs; operators without results, or with state, stay."""
    needed = set(graph.outputs) | {i for i, t in enumerate(graph.tensors) if t.is_variable}
    kept = []
    for operator in reversed(graph.operators):
        has_effects = not operator.outputs or _reads_state(graph, operator.touched)
        if has_effects or operator.op in _EFFECTS or needed & set(operator.outputs):
            kept.append(operator)
            needed.update(operator.touched)
    return replace(graph, operators=tuple(reversed(kept)))


_EFFECTS = frozenset({"CALL_ONCE", "VAR_HANDLE", "ASSIGN_VARIABLE", "READ_VARIABLE", "IF", "WHILE"})


def _reads_state(graph: Graph, touched: tuple[int, ...]) -> bool:
    return any(graph.tensors[index].is_variable for index in touched)


def _bare(tensor: GraphTensor, *, keeps_name: bool) -> GraphTensor:
    """Without its name, and without quantization fields that only converters read."""
    quantization = tensor.quantization
    if quantization is not None:
        quantization = quantization.with_fields(min=None, max=None)
        is_empty = not quantization.numbers("scale") and "details" not in quantization.fields
        quantization = None if is_empty else quantization
    return replace(tensor, name=tensor.name if keeps_name else b"", quantization=quantization)


def _moved(signature: TableValue, places: dict[int, int]) -> TableValue:
    """A signature of the main subgraph with its tensors' new indices."""
    if signature.integer("subgraph_index") != 0:
        return signature
    maps = {
        side: tuple(_moved_entry(entry, places) for entry in signature.tables(side))
        for side in ("inputs", "outputs")
        if side in signature.fields
    }
    return signature.with_fields(**maps)


def _moved_entry(entry: TableValue, places: dict[int, int]) -> TableValue:
    old = entry.integer("tensor_index")
    return entry if places[old] == old else entry.with_fields(tensor_index=places[old])


def _run_drop_dead(document: Document) -> tuple[Document, Change] | None:
    smaller = drop_dead(document)
    n_tensors = len(document.main.tensors) - len(smaller.main.tensors)
    n_operators = len(document.main.operators) - len(smaller.main.operators)
    if smaller == document:
        return None
    return smaller, Change(detail=f"{n_tensors} unused tensors, {n_operators} unused operators")


def _run_drop_words(document: Document) -> tuple[Document, Change] | None:
    smaller = drop_words(document)
    if smaller == document:
        return None
    n_names = sum(
        len(old.name) > len(new.name)
        for graph, shorter in zip(document.graphs, smaller.graphs, strict=True)
        for old, new in zip(graph.tensors, shorter.tensors, strict=True)
    )
    dropped = [name for name, _ in document.metadata if not name.startswith(OWN_METADATA_PREFIX)]
    entries = ", ".join(name.decode("utf-8", "backslashreplace") for name in dropped) or "none"
    return smaller, Change(detail=f"{n_names} tensor names; metadata: {entries}")


def _run_drop_bytes(document: Document) -> tuple[Document, Change] | None:
    """Writing the file anew is all it takes."""
    if not document.unused_bytes:
        return None
    detail = f"{document.unused_bytes:,} bytes that nothing in the file refers to"
    return replace(document, unused_bytes=0), Change(detail=detail)


DROP_BYTES = Pass(name="drop-bytes", run=_run_drop_bytes)
DROP_DEAD = Pass(name="drop-unused", run=_run_drop_dead)
DROP_WORDS = Pass(name="drop-names", run=_run_drop_words)
