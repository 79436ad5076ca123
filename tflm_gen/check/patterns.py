"""Names what groups of operators are, so that a user hears of layers and not only of kernels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tflm_gen.check.records import Finding
from tflm_gen.check.use import Use

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tflm_gen.model.records import Model, SubgraphSpec

_SCALING = frozenset({"MUL", "DIV", "ADD", "RESHAPE", "QUANTIZE", "DEQUANTIZE", "SELECT_V2"})
_NORMALISING = frozenset({"ADD", "MUL", "QUANTIZE", "DEQUANTIZE", "MAXIMUM"})
_REACH = 4


class _Graph:
    """Who writes and who reads each tensor of a subgraph."""

    def __init__(self, subgraph: SubgraphSpec) -> None:
        self.uses = [Use(operator=op, subgraph=subgraph) for op in subgraph.operators]
        self._writer = {t: use for use in self.uses for t in use.operator.outputs}
        self._readers: dict[int, list[Use]] = {}
        for use in self.uses:
            for tensor in use.operator.inputs:
                if tensor >= 0:
                    self._readers.setdefault(tensor, []).append(use)

    def of(self, *ops: str) -> list[Use]:
        """Uses of operators."""
        return [use for use in self.uses if use.op in ops]

    def sources(self, use: Use) -> list[Use]:
        """Operators that write its inputs."""
        return [self._writer[t] for t in use.operator.inputs if t in self._writer]

    def followers(self, use: Use) -> list[Use]:
        """Operators that read its outputs."""
        return [reader for t in use.operator.outputs for reader in self._readers.get(t, ())]

    def leads_to(self, use: Use, wanted: frozenset[str], over: frozenset[str]) -> Use | None:
        """The first wanted operator behind this one, across a few operators of another set."""
        waiting = self.followers(use)
        for _ in range(_REACH):
            for follower in waiting:
                if follower.op in wanted:
                    return follower
            waiting = [f for w in waiting if w.op in over for f in self.followers(w)]
        return None


def find_patterns(model: Model) -> Iterator[Finding]:
    """Every pattern of every subgraph."""
    for subgraph in model.subgraphs:
        graph = _Graph(subgraph)
        for search in _SEARCHES:
            yield from search(graph)


def _note(code: str, message: str, reason: str, remedy: str, uses: list[Use]) -> Finding:
    return Finding(
        code=code,
        severity="note",
        message=message,
        reason=reason,
        remedy=remedy,
        places=tuple(use.place for use in uses),
    )


def _attention(graph: _Graph) -> Iterator[Finding]:
    found = []
    for product in graph.of("BATCH_MATMUL"):
        weights = graph.leads_to(product, frozenset({"SOFTMAX"}), _SCALING)
        if weights is None:
            continue
        mixed = graph.leads_to(weights, frozenset({"BATCH_MATMUL"}), _SCALING)
        if mixed is not None:
            found += [product, weights, mixed]
    if found:
        yield _note(
            "attention",
            f"attention ({len(found) // 3} heads or blocks): BATCH_MATMUL, SOFTMAX, BATCH_MATMUL",
            "the scores grow with the square of the sequence, and live in the arena",
            "Shorten the sequence before the block, by pooling or strided convolutions.",
            found,
        )


def _layer_norm(graph: _Graph) -> Iterator[Finding]:
    found = []
    for difference in graph.of("SQUARED_DIFFERENCE", "SUB"):
        if not any(source.op == "MEAN" for source in graph.sources(difference)):
            continue
        squares = frozenset({"MUL", "SQUARE", "QUANTIZE", "DEQUANTIZE"})
        variance = graph.leads_to(difference, frozenset({"MEAN"}), squares)
        if variance is None:
            continue
        root = graph.leads_to(variance, frozenset({"RSQRT", "SQRT"}), _NORMALISING)
        if root is not None and root not in found:
            found += [difference, variance, root]
    if found:
        yield _note(
            "layer-norm",
            f"normalisation inside the model ({len(found) // 3} times): LayerNormalization or "
            "InstanceNormalization, with RSQRT or SQRT at run time",
            "it is often left in float, and its int8 form loses much of the signal; int8 RSQRT "
            "stops the run at a value that is not positive",
            "Use BatchNormalization, which the converter folds away, or normalise the window in "
            "the firmware.",
            found,
        )


def _gelu(graph: _Graph) -> Iterator[Finding]:
    found = graph.of("GELU", "CUSTOM:FlexErf", "CUSTOM:Erf")
    for tanh in graph.of("TANH"):
        scaled = [source for source in graph.sources(tanh) if source.op == "MUL"]
        added = [a for s in scaled for a in graph.sources(s) if a.op == "ADD"]
        if any(c.op in ("MUL", "POW") for a in added for c in graph.sources(a)):
            found.append(tanh)
    if found:
        yield _note(
            "gelu",
            f"GELU activation ({len(found)} times), as an operator of its own, with ERF, or as its "
            "TANH approximation",
            "TFLM has neither GELU nor ERF; the approximation runs, in seven operators",
            "Use RELU or HARD_SWISH.",
            found,
        )


def _dynamic_reshape(graph: _Graph) -> Iterator[Finding]:
    found = []
    for use in graph.of("RESHAPE"):
        shape = use.input(1)
        if shape is not None and not shape.is_constant:
            found.append(use)
    if found:
        yield _note(
            "dynamic-reshape",
            f"{len(found)} RESHAPE whose shape is computed at run time (an open batch)",
            "TFLM runs the stored shape whatever is computed; each chain costs operators and arena",
            "Convert with the batch fixed to 1.",
            found,
        )


def _nms(graph: _Graph) -> Iterator[Finding]:
    found = graph.of(
        "NON_MAX_SUPPRESSION_V4",
        "NON_MAX_SUPPRESSION_V5",
        "CUSTOM:TFLite_Detection_PostProcess",
    )
    if found:
        yield _note(
            "nms",
            f"non-maximum suppression ({found[0].op})",
            "its output counts depend on the data, and TFLM has only the detection post-process",
            "End the model at the scores, and pick the events in the application.",
            found,
        )


_SEARCHES: tuple[Callable[[_Graph], Iterator[Finding]], ...] = (
    _attention,
    _layer_norm,
    _gelu,
    _dynamic_reshape,
    _nms,
)
