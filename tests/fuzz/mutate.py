"""Changes a valid .tflite file where it hurts: fields, lengths and offsets, by their meaning.

``Mutator(data)`` walks a seed file once and remembers where every scalar field, vector element,
vector length and reference is; each mutation then changes a few of those, or plain bytes.
"""

from __future__ import annotations

import random
import struct
from dataclasses import dataclass, field

from tflm_gen.model.flatbuffer import Table, root_table
from tflm_gen.model.schema import load_schema

_SIZES = {"bool": 1, "i8": 1, "u8": 1, "i16": 2, "u16": 2, "i32": 4, "u32": 4}
_SIZES |= {"i64": 8, "u64": 8, "f32": 4, "f64": 8}
_FEW = (0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 31, 127, 128, 255, 256, 4095, 32767, 65535)
_LARGE = (0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFFFFFE, 0x40000000, 1 << 20, 1 << 24)
_FLOATS = (0.0, 1.0, -1.0, 1e-39, 1e-30, 1e30, float("inf"), float("-inf"), float("nan"), 0.5)


@dataclass(frozen=True, slots=True)
class Site:
    """Somewhere to change: position, size and what is there."""

    at: int
    size: int
    kind: str  # "int", "float", "length" or "reference"


@dataclass(slots=True)
class Mutator:
    """Mutations of one seed.

    Attributes:
        data: The seed.
        sites: Where its fields are.
        groups: Sites of the same field of all tables, so that values can be exchanged.
    """

    data: bytes
    sites: list[Site] = field(default_factory=list)
    groups: list[list[Site]] = field(default_factory=list)

    def __post_init__(self) -> None:
        by_field: dict[tuple[str, str], list[Site]] = {}
        pending = [root_table(self.data, load_schema())]
        while pending:
            _collect(pending.pop(), by_field, pending)
        self.groups = [group for group in by_field.values() if len(group) > 1]
        self.sites = [site for group in by_field.values() for site in group]

    def mutate(self, rng: random.Random) -> bytes:
        """A changed copy."""
        broken = bytearray(self.data)
        if rng.random() < 0.15:
            return _change_bytes(broken, rng)
        for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 5))):
            if self.groups and rng.random() < 0.35:
                group = rng.choice(self.groups)
                one, other = rng.choice(group), rng.choice(group)
                broken[one.at : one.at + one.size] = self.data[other.at : other.at + one.size]
            else:
                _change_site(broken, rng.choice(self.sites), rng)
        return bytes(broken)


def _collect(
    table: Table, by_field: dict[tuple[str, str], list[Site]], pending: list[Table]
) -> None:
    for definition in table.definition.fields.values():
        at = table.reference_pos(definition.name)
        if at == 0:
            continue
        sites = by_field.setdefault((table.definition.name, definition.name), [])
        kind = definition.kind
        if kind == "scalar":
            sites.append(_scalar_site(at, definition.type_name))
            continue
        sites.append(Site(at, 4, "reference"))
        if kind in ("vector", "string"):
            span = table.span(definition.name)
            size = 1 if kind == "string" else _SIZES[definition.type_name]
            _collect_vector(span, size, definition.type_name, sites)
        elif kind in ("table", "union"):
            child = (
                table.table(definition.name) if kind == "table" else table.union(definition.name)
            )
            if child is not None:
                pending.append(child)
        else:
            start, count = table.reference_span(definition.name) or (0, 0)
            sites.append(Site(start - 4, 4, "length"))
            sites += [Site(start + 4 * n, 4, "reference") for n in range(count)]
            if kind == "tables":
                pending += table.tables(definition.name)


def _collect_vector(
    span: tuple[int, int] | None, size: int, type_name: str, sites: list[Site]
) -> None:
    if span is None:
        return
    sites.append(Site(span[0] - 4, 4, "length"))
    kind = "float" if type_name in ("f32", "f64") else "int"
    # Weights are many and dull: a few bytes of each stand for all.
    sites += [Site(span[0] + size * n, size, kind) for n in range(min(span[1], 24))]


def _scalar_site(at: int, type_name: str) -> Site:
    return Site(at, _SIZES[type_name], "float" if type_name in ("f32", "f64") else "int")


def _change_site(broken: bytearray, site: Site, rng: random.Random) -> None:
    old = int.from_bytes(broken[site.at : site.at + site.size], "little")
    if site.kind == "float":
        value = rng.choice(_FLOATS)
        broken[site.at : site.at + site.size] = struct.pack("<f" if site.size == 4 else "<d", value)
        return
    choices = (
        rng.choice(_FEW),
        rng.choice(_LARGE),
        old + rng.choice((-1, 1, 4, -4, 16)),
        old ^ (1 << rng.randrange(8 * site.size)),
        rng.randrange(max(2, len(broken))),
        -rng.choice(_FEW),
    )
    weights = (6, 1, 4, 2, 1, 1) if site.kind == "int" else (2, 2, 3, 2, 3, 1)
    value = rng.choices(choices, weights)[0] % (1 << 8 * site.size)
    broken[site.at : site.at + site.size] = value.to_bytes(site.size, "little")


def _change_bytes(broken: bytearray, rng: random.Random) -> bytes:
    how = rng.randrange(5)
    at = rng.randrange(len(broken))
    if how == 0:
        return bytes(broken[:at])
    if how == 1:
        return bytes(broken[:at] + broken[at + rng.randrange(1, 33) :])
    if how == 2:
        return bytes(broken[:at] + rng.randbytes(rng.randrange(1, 33)) + broken[at:])
    if how == 3:
        length = rng.randrange(1, 65)
        source = rng.randrange(len(broken))
        broken[at : at + length] = broken[source : source + length]
        return bytes(broken)
    for _ in range(rng.randrange(1, 9)):
        bit = rng.randrange(8 * len(broken))
        broken[bit // 8] ^= 1 << bit % 8
    return bytes(broken)
