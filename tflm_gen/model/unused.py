"""Bytes of a file that nothing in it refers to: appended, or left between its parts.

They would go into flash with the rest. Few may be padding; some tools append a zip archive of files
that belong to the model; more than a microcontroller's flash holds is no model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tflm_gen.model.flatbuffer import fail_malformed

if TYPE_CHECKING:
    from tflm_gen.model.records import Model
    from tflm_gen.model.validate import Structure

# As much as the largest flash memories of microcontroller boards hold.
MAX_UNUSED_BYTES = 16 << 20
# Writers align data to 16 bytes, some of them to 64.
_PADDING_BYTES = 64
# The identifier of a file.
_HEAD = (0, 8)
_ZIP_ENTRY, _ZIP_END = b"PK\x03\x04", b"PK\x05\x06"
_ZIP_END_BYTES = 22 + 65_535


def find_unused(structure: Structure, buffers: tuple[tuple[int, int], ...], file_bytes: int) -> int:
    """Bytes that nothing refers to, less padding.

    Args:
        structure: What the walk through the file found.
        buffers: First byte and length of every buffer's data, which may lie behind the tables.
        file_bytes: Length of the file.

    Raises:
        MalformedModelError: If there are more of them than flash memories hold.
    """
    data = ((start, start + length) for start, length in buffers)
    unused = behind = 0
    for first, end in (*sorted({_HEAD, *structure.spans, *data}), (file_bytes, file_bytes)):
        gap = first - behind
        unused += gap if gap > _PADDING_BYTES else 0
        behind = max(behind, end)
    if unused > MAX_UNUSED_BYTES:
        fail_malformed(
            f"nothing in the file refers to {unused:,} of its {file_bytes:,} bytes; the limit is "
            f"{MAX_UNUSED_BYTES:,}",
            hint="Convert or copy the model again; or take out what was appended to it.",
        )
    return unused


def has_archive(model: Model) -> bool:
    """A zip archive is appended, as TFLite's metadata tools do with labels and vocabularies."""
    tail = model.flatbuffer[-_ZIP_END_BYTES:]
    return _ZIP_END in tail and _ZIP_ENTRY in model.flatbuffer
