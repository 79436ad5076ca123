"""SPACE_TO_BATCH_ND, convolution, BATCH_TO_SPACE_ND become one dilated convolution."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from tflm_gen.cleanup.batches import (
    find_region,
    move_reference,
    space_to_batch,
    window_reference,
    words,
)
from tflm_gen.cleanup.draft import NUMPY_TYPES, Draft, make_operator, reshape_to
from tflm_gen.cleanup.parts import take_part
from tflm_gen.cleanup.records import Change, Claim, Outputs, Pass, Reference, edit_main
from tflm_gen.model.tree import TableValue
from tflm_gen.vectors import Vector

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tflm_gen.model.graph import GraphOperator

_SAME, _VALID = 0, 1
_SHAPE_OPS = frozenset({"RESHAPE", "EXPAND_DIMS", "SQUEEZE"})
Pair = tuple[int, int]

PADDING_TRAP = "TFLM's SPACE_TO_BATCH_ND pads with 0 instead of the zero point"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chain:
    """The operators of one dilated convolution.

    Attributes:
        pads: What is added before and after height and width of the convolution's input, in all.
        dilation: Of height and width.
        first_axis: Image dimension (0: height) of the window's first spatial one.
        axes: For each spatial dimension of the window: 0 for the image's height, 1 for its width.
    """

    opener: GraphOperator
    widen: GraphOperator | None
    conv: GraphOperator
    narrow: GraphOperator | None
    closer: GraphOperator
    pad: GraphOperator | None
    pads: tuple[Pair, Pair]
    dilation: Pair
    first_axis: int

    @property
    def operators(self) -> tuple[GraphOperator, ...]:
        """All of them."""
        parts = (self.pad, self.opener, self.widen, self.conv, self.narrow, self.closer)
        return tuple(part for part in parts if part is not None)

    @property
    def source(self) -> int:
        """The tensor that is convolved."""
        return (self.pad or self.opener).inputs[0]


def _dilate(draft: Draft) -> Change | None:
    """Rewrite every chain that is provably one convolution."""
    before = draft.freeze()
    claims = []
    is_trapped = False
    for opener in [o for o in draft.operators if o.op == "SPACE_TO_BATCH_ND"]:
        chain, region = _find_chain(draft, opener), find_region(draft, opener)
        if chain is None or region is None:
            continue
        is_trapped |= pads_wrongly(draft, opener)
        old = Draft(draft.freeze())
        new = _rewrite(draft, chain)
        target = chain.closer.outputs[0]
        # The reference starts at SPACE_TO_BATCH_ND, so a PAD before it belongs to both sides.
        reference = window_reference(before, old, region)
        if chain.pad is not None:
            reference = _padded_first(old, chain.pad, reference)
        claims.append(
            Claim(
                what=words(old, region),
                target=target,
                graph=take_part(draft.freeze(), new, [chain.source], [target]),
                reference=reference,
            )
        )
    if not claims:
        return None
    return Change(
        detail=f"{len(claims)} x SPACE_TO_BATCH_ND, convolution, BATCH_TO_SPACE_ND "
        "became a dilated convolution",
        claims=tuple(claims),
        trap=PADDING_TRAP if is_trapped else "",
    )


def _padded_first(draft: Draft, pad: GraphOperator, reference: Reference) -> Reference:
    """A reference that starts one PAD earlier."""
    tensor = draft.tensors[pad.inputs[0]]
    table = np.array(draft.integers(pad.inputs[1]) or (), np.int64).reshape(-1, 2)
    zero = tensor.zero_points[0] if tensor.zero_points else 0
    kind = np.dtype(NUMPY_TYPES[tensor.dtype])

    def run(vectors: Sequence[Vector]) -> Outputs:
        padded = []
        for vector in vectors:
            values = np.frombuffer(vector.inputs[0], kind).reshape(tensor.shape)
            data = np.pad(values, table, constant_values=zero).tobytes()
            padded.append(Vector(name=vector.name, inputs=(data,)))
        return reference(padded)

    return run


def _find_chain(draft: Draft, opener: GraphOperator) -> _Chain | None:
    widen = draft.sole_consumer(opener.outputs[0])
    conv = widen
    if widen is not None and widen.op in _SHAPE_OPS:
        conv = draft.sole_consumer(widen.outputs[0])
    else:
        widen = None
    if conv is None or conv.op not in ("CONV_2D", "DEPTHWISE_CONV_2D"):
        return None
    narrow = draft.sole_consumer(conv.outputs[0])
    closer = narrow
    if narrow is not None and narrow.op in _SHAPE_OPS:
        closer = draft.sole_consumer(narrow.outputs[0])
    else:
        narrow = None
    if closer is None or closer.op != "BATCH_TO_SPACE_ND" or (widen is None) != (narrow is None):
        return None
    if not _is_plain(draft, opener, conv, closer):
        return None
    return _measure(draft, opener, widen, conv, narrow, closer)


def _is_plain(
    draft: Draft, opener: GraphOperator, conv: GraphOperator, closer: GraphOperator
) -> bool:
    """Nothing but the moves changes, and the convolution itself neither pads, strides nor dilates."""
    options = (conv.option("stride_h"), conv.option("stride_w"))
    dilation = (conv.option("dilation_h_factor"), conv.option("dilation_w_factor"))
    return (
        options == (1, 1)
        and dilation == (1, 1)
        and conv.option("padding") == _VALID
        and draft.integers(opener.inputs[1]) == draft.integers(closer.inputs[1]) is not None
        and draft.same_encoding(opener.inputs[0], opener.outputs[0])
        and draft.same_encoding(closer.inputs[0], closer.outputs[0])
        and len(draft.shape(conv.inputs[0])) == 4
    )


def _measure(
    draft: Draft,
    opener: GraphOperator,
    widen: GraphOperator | None,
    conv: GraphOperator,
    narrow: GraphOperator | None,
    closer: GraphOperator,
) -> _Chain | None:
    """Where the window's dimensions are in the image, and what padding remains."""
    block = draft.integers(opener.inputs[1])
    pads, crops = draft.integers(opener.inputs[2]), draft.integers(closer.inputs[2])
    opened, image = draft.shape(opener.outputs[0]), draft.shape(conv.inputs[0])
    if block is None or pads is None or crops is None:
        return None
    first_axis = _first_axis(opened, image, len(block), is_direct=widen is None)
    closed = draft.shape(closer.inputs[0])
    result = draft.shape(conv.outputs[0])
    if first_axis is None or first_axis != _first_axis(
        closed, result, len(block), is_direct=narrow is None
    ):
        return None
    dilation, edges = [1, 1], [(0, 0), (0, 0)]
    pad = _mergeable_pad(draft, opener)
    extra = draft.integers(pad.inputs[1]) if pad is not None else None
    for i, step in enumerate(block):
        before, after = pads[2 * i] - crops[2 * i], pads[2 * i + 1] - crops[2 * i + 1]
        if extra is not None:
            before, after = before + extra[2 + 2 * i], after + extra[3 + 2 * i]
        if min(before, after) < 0:
            return None
        dilation[first_axis + i] = step
        edges[first_axis + i] = (before, after)
    return _Chain(
        opener=opener,
        widen=widen,
        conv=conv,
        narrow=narrow,
        closer=closer,
        pad=pad,
        pads=(edges[0], edges[1]),
        dilation=(dilation[0], dilation[1]),
        first_axis=first_axis,
    )


def _first_axis(
    window: tuple[int, ...], image: tuple[int, ...], n_spatial: int, *, is_direct: bool
) -> int | None:
    """The image dimension (0: height) of the window's first spatial one, or None."""
    if len(image) != 4:
        return None
    if is_direct:
        return 0 if n_spatial in (1, 2) else None
    if len(window) != 3 or n_spatial != 1:
        return None
    batch, length, channels = window
    if image == (batch, 1, length, channels):
        return 1
    return 0 if image == (batch, length, 1, channels) else None


def _mergeable_pad(draft: Draft, opener: GraphOperator) -> GraphOperator | None:
    """A PAD of the same spatial dimensions right before, which fills with zeros as well."""
    pad = draft.producer(opener.inputs[0])
    if pad is None or pad.op != "PAD" or not draft.feeds_only(pad.outputs[0], opener):
        return None
    sizes, block = draft.integers(pad.inputs[1]), draft.integers(opener.inputs[1])
    if sizes is None or block is None or not draft.same_encoding(pad.inputs[0], pad.outputs[0]):
        return None
    outside = (*sizes[:2], *sizes[2 + 2 * len(block) :])
    return None if any(outside) else pad


def _rewrite(draft: Draft, chain: _Chain) -> list[GraphOperator]:
    """Put [RESHAPE,] [PAD,] convolution [, RESHAPE] in the chain's place; what was put."""
    source, target = chain.source, chain.closer.outputs[0]
    new: list[GraphOperator] = []
    image = source
    if chain.widen is not None:
        image = draft.add_like(source, _image_of(draft, source, chain))
        new.append(reshape_to(draft, source, image))
    padding, edges = _padding(draft, chain)
    if any(map(any, edges)):
        image, pad = _pad(draft, image, edges)
        new.append(pad)
    output = target
    if chain.narrow is not None:
        output = draft.add_like(target, _image_of(draft, target, chain))
    new.append(_dilated(chain, image, output, padding))
    if output != target:
        new.append(reshape_to(draft, output, target))
    for operator in chain.operators:
        if operator is not chain.closer:
            draft.put(operator)
    draft.put(chain.closer, *new)
    return new


def _image_of(draft: Draft, tensor: int, chain: _Chain) -> tuple[int, int, int, int]:
    batch, length, channels = draft.shape(tensor)
    if chain.first_axis == 1:
        return (batch, 1, length, channels)
    return (batch, length, 1, channels)


def _padding(draft: Draft, chain: _Chain) -> tuple[int, tuple[Pair, Pair]]:
    """The convolution's own padding if it is just that, else none and what a PAD must add."""
    weights = draft.shape(chain.conv.inputs[1])
    same = []
    for axis in range(2):
        total = (weights[1 + axis] - 1) * chain.dilation[axis]
        same.append((total // 2, total - total // 2))
    if chain.pads == tuple(same) and any(map(any, same)):
        return _SAME, ((0, 0), (0, 0))
    return _VALID, chain.pads


def _pad(draft: Draft, image: int, edges: tuple[Pair, Pair]) -> tuple[int, GraphOperator]:
    shape = draft.shape(image)
    sizes = [shape[1 + axis] + sum(edges[axis]) for axis in range(2)]
    padded = draft.add_like(image, (shape[0], *sizes, shape[3]))
    table = np.array([(0, 0), *edges, (0, 0)], np.int32)
    inputs = (image, draft.add_constant(table, "int32"))
    return padded, make_operator("PAD", inputs, padded, TableValue("PadOptions", {}), version=2)


def _dilated(chain: _Chain, image: int, output: int, padding: int) -> GraphOperator:
    conv = chain.conv
    options = conv.options
    if options is not None:
        options = options.with_fields(
            padding=padding,
            dilation_h_factor=chain.dilation[0],
            dilation_w_factor=chain.dilation[1],
        )
    return replace(
        conv,
        inputs=(image, *conv.inputs[1:]),
        outputs=(output,),
        options=options,
        version=max(conv.version, 2),
    )


# --- what is left ---------------------------------------------------------------------------------


def pads_wrongly(draft: Draft, opener: GraphOperator) -> bool:
    """TFLM fills the edges with 0 where the zero point belongs."""
    tensor, pads = draft.tensors[opener.inputs[0]], draft.integers(opener.inputs[2])
    return bool(pads and any(pads) and any(tensor.zero_points))


def _split_padding(draft: Draft) -> Change | None:
    """Let a PAD fill the edges of the SPACE_TO_BATCH_ND that are left."""
    claims = []
    for opener in [o for o in draft.operators if o.op == "SPACE_TO_BATCH_ND"]:
        pads, block = draft.integers(opener.inputs[2]), draft.integers(opener.inputs[1])
        if pads is None or block is None or not pads_wrongly(draft, opener):
            continue
        source, target = opener.inputs[0], opener.outputs[0]
        shape, rank = draft.shape(source), len(draft.shape(source))
        table = np.zeros((rank, 2), np.int32)
        table[1 : 1 + len(block)] = np.array(pads).reshape(-1, 2)
        sizes = [int(size + edges.sum()) for size, edges in zip(shape, table, strict=True)]
        padded = draft.add_like(source, sizes)
        inputs = (source, draft.add_constant(table, "int32"))
        pad = make_operator("PAD", inputs, padded, TableValue("PadOptions", {}), version=2)
        none = draft.add_constant(np.zeros((len(block), 2), np.int32), "int32")
        move = replace(opener, inputs=(padded, opener.inputs[1], none))
        reference = move_reference(draft, opener, space_to_batch)
        draft.put(opener, pad, move)
        part = take_part(draft.freeze(), [pad, move], [source], [target])
        claims.append(
            Claim(what="SPACE_TO_BATCH_ND", target=target, graph=part, reference=reference)
        )
    if not claims:
        return None
    return Change(
        detail=f"{len(claims)} SPACE_TO_BATCH_ND leave their padding to a PAD",
        claims=tuple(claims),
        trap=PADDING_TRAP,
    )


DILATION = Pass(name="dilated-convolution", run=edit_main(_dilate), is_repair=True)
SPLIT_PADDING = Pass(name="batch-padding", run=edit_main(_split_padding), is_repair=True)
