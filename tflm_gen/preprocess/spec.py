"""The preprocessing specification: a TOML file that travels inside the model."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tflm_gen.errors import PreprocessSpecError
from tflm_gen.preprocess.filters import Section, butterworth
from tflm_gen.preprocess.spec_rules import findings
from tflm_gen.preprocess.toml_values import (
    number_of,
    numbers_of,
    refuse_unknown,
    table_of,
    text_of,
    texts_of,
    whole_of,
)
from tflm_gen.project.read_file import read_regular

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SCHEMA = "tflm-gen/preprocess/1"
_MAX_BYTES = 1 << 20
_KEYS = {
    "": "schema lead sample_rate_hz output_rate_hz trigger classes "
    "adc filter window normalization rr average",
    "adc": "zero units_per_mv",
    "filter": "kind order cutoff_hz zero_phase",
    "window": "input samples before",
    "normalization": "kind scale_mv smallest_sd_mv",
    "average": "history from to likeness unlike_divisor early_ratio p_from p_to",
    "rr": "input features gains history long_history irregular_history rhythm_history longest_s",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """One causal Butterworth filter, run at the converter's rate."""

    kind: str
    order: int
    cutoff_hz: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PreprocessSpec:
    """How ADC samples become a model's inputs.

    Attributes:
        lead: Lead the model was trained on.
        sample_rate_hz: Of the converter.
        output_rate_hz: Of the window; divides the converter's rate.
        trigger: How beats are found: "annotation_triggered" says that their places are given,
            "detector" that the firmware's own detector finds them.
        classes: Names of the model's outputs, in order.
        adc_zero: Converter value of 0 mV.
        adc_units_per_mv: Converter steps in one millivolt.
        filters: In the order they run.
        window_samples: Length of the window at the output rate.
        window_before: Samples of it before the beat's own.
        window_input: Name of the model's input that takes the window.
        normalization: "fixed" (divide by ``scale_mv``) or "zscore" (each window by its own).
        scale_mv: For "fixed".
        smallest_sd_mv: For "zscore": the least standard deviation to divide by.
        average_history: Beats in the running average of the patient's beats; 0: none. With one
            the window has two channels: the beat, and the beat less the average before it.
        average_from: Where a beat is compared with the average: samples after the beat's own.
        average_to: Where that ends.
        likeness: A beat with less correlation there moves the average less,
        unlike_divisor: by this,
        early_ratio: and so does one whose "pre_ratio" is smaller; 0: none.
        p_from: Where "p_likeness" compares the P wave: samples after the beat's own.
        p_to: Where that ends.
        rr_features: Interval features, in the order of the model's second input; may be empty.
        rr_gains: What each is multiplied by, so that one int8 scale suits them all.
        rr_input: Name of that input.
        rr_history: Intervals in the running mean.
        rr_long_history: Intervals in the longer one.
        irregular_history: Intervals in "irregularity".
        rhythm_history: Intervals in "unpredictability".
        longest_rr_s: A longer pause counts as this.
    """

    lead: str
    sample_rate_hz: int
    output_rate_hz: int
    trigger: str
    classes: tuple[str, ...]
    adc_zero: int
    adc_units_per_mv: float
    filters: tuple[Filter, ...]
    window_samples: int
    window_before: int
    window_input: str
    normalization: str
    scale_mv: float
    smallest_sd_mv: float
    average_history: int
    average_from: int
    average_to: int
    likeness: float
    unlike_divisor: float
    early_ratio: float
    p_from: int
    p_to: int
    rr_features: tuple[str, ...]
    rr_gains: tuple[float, ...]
    rr_input: str
    rr_history: int
    rr_long_history: int
    irregular_history: int
    rhythm_history: int
    longest_rr_s: float

    @property
    def decimation(self) -> int:
        """Converter samples for each sample of the window."""
        return self.sample_rate_hz // self.output_rate_hz

    @property
    def sections(self) -> tuple[Section, ...]:
        """Second-order sections of all filters."""
        found: list[Section] = []
        for item in self.filters:
            found += butterworth(
                item.kind, order=item.order, cutoff_hz=item.cutoff_hz, rate_hz=self.sample_rate_hz
            )
        return tuple(found)

    @property
    def has_detector(self) -> bool:
        """Whether the firmware finds the beats itself."""
        return self.trigger == "detector"

    @property
    def channels(self) -> int:
        """Values for each sample of the window."""
        return 2 if self.average_history else 1

    @property
    def input_sizes(self) -> dict[str, int]:
        """Name of each of the model's inputs -> how many values it gets."""
        sizes = {self.window_input: self.window_samples * self.channels}
        if self.rr_features:
            sizes[self.rr_input] = len(self.rr_features)
        return sizes

    @property
    def settles_on_first_sample(self) -> bool:
        """Whether a high-pass removes the baseline, so that filters may start on the first one."""
        return any(item.kind == "highpass" for item in self.filters)


def load_spec(path: Path) -> PreprocessSpec:
    """Read and check a specification file.

    Raises:
        PreprocessSpecError: If it cannot be read, or does not say one way to preprocess.
    """
    try:
        text = read_regular(path, limit=_MAX_BYTES).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PreprocessSpecError(
            f"{path}: cannot be read ({error})", hint="Check the path."
        ) from error
    return parse_spec(text, str(path))


def parse_spec(text: str, source: str) -> PreprocessSpec:
    """Specification from TOML text.

    Raises:
        PreprocessSpecError: If it is not TOML, or does not say one way to preprocess.
    """
    try:
        document = tomllib.loads(text)
    # ValueError: also of a number with thousands of digits.
    except (ValueError, RecursionError) as error:
        raise PreprocessSpecError(f"{source}: not TOML: {error}", hint="See docs.") from error
    try:
        spec = _from_document(document)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        what = f"no {error}" if isinstance(error, KeyError) else str(error)
        raise PreprocessSpecError(
            f"{source}: {what}", hint="docs/preprocessing.md lists every key."
        ) from error
    _check(spec, source)
    return spec


def _from_document(document: Mapping[str, object]) -> PreprocessSpec:
    if document.get("schema") != SCHEMA:
        raise ValueError(f"schema is {document.get('schema')!r}, not {SCHEMA!r}")
    refuse_unknown(document, _KEYS[""])
    adc, window, norm = (
        table_of(document, name, _KEYS[name]) for name in ("adc", "window", "normalization")
    )
    rr, average = (
        table_of(document, name, _KEYS[name]) if name in document else {}
        for name in ("rr", "average")
    )
    features = texts_of(rr, "features") if rr else ()
    if rr and not features:
        raise ValueError("rr.features is empty: leave [rr] out")
    if average and average["history"] == 0:
        raise ValueError("average.history is 0: leave [average] out")
    return PreprocessSpec(
        lead=text_of(document, "lead"),
        sample_rate_hz=whole_of(document, "sample_rate_hz"),
        output_rate_hz=whole_of(document, "output_rate_hz"),
        trigger=text_of(document, "trigger"),
        classes=texts_of(document, "classes"),
        adc_zero=whole_of(adc, "zero"),
        adc_units_per_mv=number_of(adc, "units_per_mv"),
        filters=_filters(document.get("filter", [])),
        window_samples=whole_of(window, "samples"),
        window_before=whole_of(window, "before"),
        window_input=text_of(window, "input"),
        normalization=text_of(norm, "kind"),
        scale_mv=number_of(norm, "scale_mv") if norm["kind"] == "fixed" else 1.0,
        smallest_sd_mv=number_of(norm, "smallest_sd_mv") if norm["kind"] == "zscore" else 1.0,
        average_history=whole_of(average, "history") if average else 0,
        average_from=whole_of(average, "from") if average else 0,
        average_to=whole_of(average, "to") if average else 1,
        likeness=number_of(average, "likeness") if average else 0.0,
        unlike_divisor=number_of(average, "unlike_divisor") if average else 1.0,
        early_ratio=number_of(average, "early_ratio") if "early_ratio" in average else 0.0,
        p_from=whole_of(average, "p_from") if "p_from" in average else 0,
        p_to=whole_of(average, "p_to") if "p_to" in average else 0,
        rr_features=features,
        rr_gains=numbers_of(rr, "gains") if "gains" in rr else (1.0,) * len(features),
        rr_input=text_of(rr, "input") if rr else "",
        rr_history=whole_of(rr, "history") if rr else 1,
        rr_long_history=whole_of(rr, "long_history") if "long_history" in rr else 1,
        irregular_history=whole_of(rr, "irregular_history") if "irregular_history" in rr else 1,
        rhythm_history=whole_of(rr, "rhythm_history") if "rhythm_history" in rr else 1,
        longest_rr_s=number_of(rr, "longest_s") if rr else 1.0,
    )


def _filters(tables: object) -> tuple[Filter, ...]:
    if not isinstance(tables, list) or not all(isinstance(item, dict) for item in tables):
        raise ValueError("filter is not a list of tables: write [[filter]]")
    return tuple(_filter(item) for item in tables)


def _filter(item: Mapping[str, object]) -> Filter:
    if item.get("zero_phase") or item.get("kind") == "filtfilt" or "filtfilt" in item:
        raise ValueError("a zero-phase filter (filtfilt) needs the future; a device has none")
    refuse_unknown(item, _KEYS["filter"], "filter.")
    return Filter(
        kind=text_of(item, "kind"),
        order=whole_of(item, "order"),
        cutoff_hz=number_of(item, "cutoff_hz"),
    )


def _check(spec: PreprocessSpec, source: str) -> None:
    for is_wrong, what in findings(spec):
        if is_wrong:
            raise PreprocessSpecError(
                f"{source}: {what}", hint="docs/preprocessing.md says what each key may be."
            )


def with_trigger(spec: PreprocessSpec, trigger: str, source: str) -> PreprocessSpec:
    """The same preprocessing with beats found in another way.

    Raises:
        PreprocessSpecError: The detector does not work at this rate.
    """
    changed = dataclasses.replace(spec, trigger=trigger)
    _check(changed, source)
    return changed


def spec_sha256(spec: PreprocessSpec) -> str:
    """SHA-256 of what the specification says, whatever its spelling."""
    text = json.dumps(dataclasses.asdict(spec), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
