"""The rewrites, in the order in which they run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tflm_gen.cleanup.passes.clipping import CLIPPING, SELECTIONS
from tflm_gen.cleanup.passes.dilation import DILATION, SPLIT_PADDING
from tflm_gen.cleanup.passes.reductions import FAST_REDUCTIONS
from tflm_gen.cleanup.passes.replacements import HALF_FLOATS, LONG_CONCATENATIONS, REPEATS
from tflm_gen.cleanup.passes.reshapes import (
    MERGE_RESHAPES,
    MOVE_RESHAPES,
    PAD_IMAGES,
)
from tflm_gen.cleanup.passes.static_shapes import FOLD_SHAPES, STATIC_SHAPES
from tflm_gen.cleanup.shrink import DROP_BYTES, DROP_DEAD, DROP_WORDS

if TYPE_CHECKING:
    from tflm_gen.cleanup.records import Pass

PASSES: tuple[Pass, ...] = (
    STATIC_SHAPES,
    FOLD_SHAPES,
    HALF_FLOATS,
    REPEATS,
    CLIPPING,
    SELECTIONS,
    LONG_CONCATENATIONS,
    DILATION,
    SPLIT_PADDING,
    MERGE_RESHAPES,
    MOVE_RESHAPES,
    FAST_REDUCTIONS,
    PAD_IMAGES,
    DROP_BYTES,
    DROP_DEAD,
    DROP_WORDS,
)
