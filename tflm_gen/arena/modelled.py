"""The arena of a model that cannot run on its target here: this machine's minimum and a margin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tflm_gen.golden import golden_input
from tflm_gen.memory_plan import ArenaResult
from tflm_gen.tflm.source_facts import WHEEL_VERSION
from tflm_gen.tflm.sources import find_wheel_library
from tflm_gen.toolchain.disk_cache import load_json, store_json

if TYPE_CHECKING:
    from tflm_gen.model.records import Model

_ALIGN_BYTES = 16
_FIXED_MARGIN_BYTES = 1024
_MARGIN_SHARE = 4  # One part in four.


def with_margin(minimum_bytes: int) -> ArenaResult:
    """The rule: a quarter of the host's minimum and 1,024 bytes more, up to the next 16.

    The target's kernels may want scratch buffers that the host's reference kernels do not.
    """
    wanted = minimum_bytes + minimum_bytes // _MARGIN_SHARE + _FIXED_MARGIN_BYTES
    total = -(-wanted // _ALIGN_BYTES) * _ALIGN_BYTES
    return ArenaResult(
        size_bytes=total,
        basis="modelled",
        ran_at=None,
        failed_at=None,
        margin_bytes=total - minimum_bytes,
    )


def modelled_arena(model: Model) -> ArenaResult | None:
    """The rule applied to a model, or None without an oracle on this machine.

    Raises:
        OracleError: If the reference interpreter refuses the model, or crashes on it.
    """
    if find_wheel_library() is None:
        return None
    name = f"arena-{WHEEL_VERSION}-{model.sha256}"
    stored = load_json("oracle", name)
    minimum = stored.get("minimum_bytes") if stored else None
    if not isinstance(minimum, int):
        from tflm_gen.oracle.client import find_smallest_host_arena

        minimum = find_smallest_host_arena(model.flatbuffer, golden_input(model))
        store_json("oracle", name, {"minimum_bytes": minimum})
    return with_margin(minimum)
