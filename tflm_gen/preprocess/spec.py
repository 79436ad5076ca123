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
from tflm_gen.project.read_file import read_regular

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SCHEMA = "tflm-gen/preprocess/1"
_MAX_BYTES = 1 << 20
RR_FEATURES = (
    *("pre_s", "post_s", "pre_ratio", "post_ratio", "pre_over_post"),
    *("pre_long_ratio", "post_long_ratio", "before_ratio", "irregularity"),
)
NORMALIZATIONS = ("fixed", "zscore")
TRIGGERS = ("annotation_triggered", "detector")
# Converter rates at which the detector's lengths fit its rings (ecg/beat_detector.h).
DETECTOR_RATES_HZ = (100, 1000)
# Limits of the C code (ecg/preprocess.h); a test compares them.
MAX_SECTIONS, MAX_WINDOW, MAX_RR_FEATURES, MAX_RR_HISTORY, RING = 6, 512, 8, 256, 1024
# Features that need a history of their own.
_LONG_FEATURES = {"pre_long_ratio", "post_long_ratio"}
_TOP_KEYS = {
    *("schema", "lead", "sample_rate_hz", "output_rate_hz", "trigger", "classes"),
    *("adc", "filter", "window", "normalization", "rr", "average"),
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
        rr_features: Interval features, in the order of the model's second input; may be empty.
        rr_input: Name of that input.
        rr_history: Intervals in the running mean.
        rr_long_history: Intervals in the longer one.
        irregular_history: Intervals in "irregularity".
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
    rr_features: tuple[str, ...]
    rr_input: str
    rr_history: int
    rr_long_history: int
    irregular_history: int
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
    except (tomllib.TOMLDecodeError, RecursionError) as error:
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
    if unknown := sorted(set(document) - _TOP_KEYS):
        raise ValueError(f"unknown keys: {', '.join(unknown)}")
    adc, window = _table(document, "adc"), _table(document, "window")
    norm = _table(document, "normalization")
    rr = _table(document, "rr") if "rr" in document else {}
    average = _table(document, "average") if "average" in document else {}
    filters = document.get("filter", [])
    if not isinstance(filters, list):
        raise ValueError("filter is not a list of tables: write [[filter]]")
    return PreprocessSpec(
        lead=_text(document, "lead"),
        sample_rate_hz=_whole(document, "sample_rate_hz"),
        output_rate_hz=_whole(document, "output_rate_hz"),
        trigger=_text(document, "trigger"),
        classes=_texts(document, "classes"),
        adc_zero=_whole(adc, "zero"),
        adc_units_per_mv=_number(adc, "units_per_mv"),
        filters=tuple(_filter(item) for item in filters),
        window_samples=_whole(window, "samples"),
        window_before=_whole(window, "before"),
        window_input=_text(window, "input"),
        normalization=_text(norm, "kind"),
        scale_mv=_number(norm, "scale_mv") if norm["kind"] == "fixed" else 1.0,
        smallest_sd_mv=_number(norm, "smallest_sd_mv") if norm["kind"] == "zscore" else 1.0,
        average_history=_whole(average, "history") if average else 0,
        average_from=_whole(average, "from") if average else 0,
        average_to=_whole(average, "to") if average else 1,
        likeness=_number(average, "likeness") if average else 0.0,
        unlike_divisor=_number(average, "unlike_divisor") if average else 1.0,
        early_ratio=_number(average, "early_ratio") if "early_ratio" in average else 0.0,
        rr_features=_texts(rr, "features") if rr else (),
        rr_input=_text(rr, "input") if rr else "",
        rr_history=_whole(rr, "history") if rr else 1,
        rr_long_history=_whole(rr, "long_history") if "long_history" in rr else 1,
        irregular_history=_whole(rr, "irregular_history") if "irregular_history" in rr else 1,
        longest_rr_s=_number(rr, "longest_s") if rr else 1.0,
    )


def _filter(item: Mapping[str, object]) -> Filter:
    if item.get("zero_phase") or item.get("kind") == "filtfilt":
        raise ValueError("a zero-phase filter (filtfilt) needs the future; a device has none")
    return Filter(
        kind=_text(item, "kind"), order=_whole(item, "order"), cutoff_hz=_number(item, "cutoff_hz")
    )


def _check(spec: PreprocessSpec, source: str) -> None:
    for is_wrong, what in _findings(spec):
        if is_wrong:
            raise PreprocessSpecError(
                f"{source}: {what}", hint="docs/preprocessing.md says what each key may be."
            )


def _findings(spec: PreprocessSpec) -> list[tuple[bool, str]]:
    rates_divide = (
        0 < spec.output_rate_hz <= spec.sample_rate_hz
        and spec.sample_rate_hz % spec.output_rate_hz == 0
    )
    return [
        (not rates_divide, "output_rate_hz does not divide sample_rate_hz"),
        (spec.trigger not in TRIGGERS, f"trigger {spec.trigger!r} is not in {TRIGGERS}"),
        (
            spec.has_detector
            and not DETECTOR_RATES_HZ[0] <= spec.sample_rate_hz <= DETECTOR_RATES_HZ[1],
            f"the detector works at {DETECTOR_RATES_HZ[0]} to {DETECTOR_RATES_HZ[1]} Hz",
        ),
        (len(spec.classes) < 2, "fewer than two classes"),
        (len(set(spec.classes)) != len(spec.classes), "a class is named twice"),
        (not spec.adc_units_per_mv > 0, "adc.units_per_mv is not above 0"),
        *_filter_findings(spec),
        (not 1 <= spec.window_samples <= MAX_WINDOW, f"window.samples is not 1 to {MAX_WINDOW}"),
        (not 0 <= spec.window_before < spec.window_samples, "window.before is not in the window"),
        (spec.normalization not in NORMALIZATIONS, f"normalization is not in {NORMALIZATIONS}"),
        (not spec.scale_mv > 0, "normalization.scale_mv is not above 0"),
        (not spec.smallest_sd_mv > 0, "normalization.smallest_sd_mv is not above 0"),
        *_average_findings(spec),
        (not set(spec.rr_features) <= set(RR_FEATURES), f"rr.features are not of {RR_FEATURES}"),
        (len(spec.rr_features) > MAX_RR_FEATURES, f"more than {MAX_RR_FEATURES} rr.features"),
        (not 1 <= spec.rr_history <= MAX_RR_HISTORY, f"rr.history is not 1 to {MAX_RR_HISTORY}"),
        *_history_findings(spec),
        (not 0 < spec.longest_rr_s <= 10, "rr.longest_s is not in (0, 10]"),
        (
            spec.window_samples + spec.longest_rr_s * spec.output_rate_hz > RING,
            f"window and longest_s together keep more than {RING} samples",
        ),
    ]


def _average_findings(spec: PreprocessSpec) -> list[tuple[bool, str]]:
    first, end = (spec.window_before + at for at in (spec.average_from, spec.average_to))
    is_used = spec.average_history != 0
    return [
        (not 0 <= spec.average_history <= 1000, "average.history is not 1 to 1000"),
        (
            is_used and not 0 <= first < end <= spec.window_samples,
            "average.from to average.to is not inside the window",
        ),
        (is_used and not -1 <= spec.likeness <= 1, "average.likeness is not -1 to 1"),
        (is_used and not spec.unlike_divisor >= 1, "average.unlike_divisor is below 1"),
        (is_used and not 0 <= spec.early_ratio <= 1, "average.early_ratio is not 0 to 1"),
        (
            is_used and spec.normalization != "fixed",
            "with [average], normalization.kind must be fixed: each beat's own scale would hide "
            "what sets it apart",
        ),
    ]


def _history_findings(spec: PreprocessSpec) -> list[tuple[bool, str]]:
    needs_long = bool(_LONG_FEATURES & set(spec.rr_features))
    needs_irregular = "irregularity" in spec.rr_features
    most = MAX_RR_HISTORY
    return [
        (
            not 1 + needs_long <= spec.rr_long_history <= most,
            f"rr.long_history is not 2 to {most}",
        ),
        (
            not 1 + needs_irregular <= spec.irregular_history < most,
            f"rr.irregular_history is not 2 to {most - 1}",
        ),
    ]


def _filter_findings(spec: PreprocessSpec) -> list[tuple[bool, str]]:
    rate = spec.sample_rate_hz
    findings = []
    for item in spec.filters:
        findings += [
            (item.kind not in ("lowpass", "highpass"), f"filter kind {item.kind!r}"),
            (not 1 <= item.order <= 4, f"filter order {item.order} is not 1 to 4"),
            (not 0 < item.cutoff_hz < rate / 2, f"cutoff {item.cutoff_hz} Hz of {rate} Hz"),
        ]
    n_sections = sum((item.order + 1) // 2 for item in spec.filters)
    lowpass = [item.cutoff_hz for item in spec.filters if item.kind == "lowpass"]
    aliases = spec.output_rate_hz < rate and min(lowpass, default=rate) >= spec.output_rate_hz / 2
    findings += [
        (n_sections > MAX_SECTIONS, f"filters need more than {MAX_SECTIONS} sections"),
        (aliases, "the rate is lowered without a low-pass below half the output rate"),
    ]
    return findings


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


def _table(parent: Mapping[str, object], key: str) -> Mapping[str, object]:
    value = parent[key]
    if not isinstance(value, dict):
        raise ValueError(f"{key} is not a table")
    return value


def _text(parent: Mapping[str, object], key: str) -> str:
    value = parent[key]
    if not isinstance(value, str) or not value:
        raise ValueError(f"{key} is not a text")
    return value


def _texts(parent: Mapping[str, object], key: str) -> tuple[str, ...]:
    value = parent[key]
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError(f"{key} is not a list of texts")
    return tuple(value)


def _whole(parent: Mapping[str, object], key: str) -> int:
    value = parent[key]
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"{key} is not a whole number")
    return value


def _number(parent: Mapping[str, object], key: str) -> float:
    value = parent[key]
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise ValueError(f"{key} is not a number")
    return float(value)
