"""What a preprocessing specification may say: names, limits, and how its keys go together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tflm_gen.preprocess.filters import survives_rounding

if TYPE_CHECKING:
    from tflm_gen.preprocess.spec import Filter, PreprocessSpec

RR_FEATURES = (
    *("pre_s", "post_s", "pre_ratio", "post_ratio", "pre_over_post"),
    *("pre_long_ratio", "post_long_ratio", "before_ratio", "irregularity"),
    *("unpredictability", "p_likeness"),
)
NORMALIZATIONS = ("fixed", "zscore")
TRIGGERS = ("annotation_triggered", "detector")
# Converter rates at which the detector's lengths fit its rings (ecg/beat_detector.h).
DETECTOR_RATES_HZ = (100, 1000)
# Limits of the C code (ecg/preprocess.h); a test compares them.
MAX_SECTIONS, MAX_WINDOW, MAX_RR_FEATURES, MAX_RR_HISTORY, RING = 6, 512, 8, 256, 1024
MAX_RHYTHM_HISTORY = 128
# What is above is a slip of the pen: no feature needs more, and no ECG converter is as fast.
MAX_GAIN = 1000
MAX_RATE_HZ = 20_000
# Far from what a float32 cannot hold or divide by.
_LEAST, _LARGEST = 1e-6, 1e6
_PLAIN = f"{_LEAST:g} to {_LARGEST:g}"
_NOT_HELD = "cutoff {} Hz of {} Hz: float32 cannot hold that filter"
# Features that need a history of their own.
_LONG_FEATURES = {"pre_long_ratio", "post_long_ratio"}


def _is_plain(value: float) -> bool:
    return _LEAST <= value <= _LARGEST


def findings(spec: PreprocessSpec) -> list[tuple[bool, str]]:
    """Everything that could be wrong -> whether it is, and what to say."""
    rates_divide = (
        0 < spec.output_rate_hz <= spec.sample_rate_hz
        and spec.sample_rate_hz % spec.output_rate_hz == 0
    )
    return [
        (not rates_divide, "output_rate_hz does not divide sample_rate_hz"),
        (spec.sample_rate_hz > MAX_RATE_HZ, f"sample_rate_hz is above {MAX_RATE_HZ}"),
        (spec.trigger not in TRIGGERS, f"trigger {spec.trigger!r} is not in {TRIGGERS}"),
        (
            spec.has_detector
            and not DETECTOR_RATES_HZ[0] <= spec.sample_rate_hz <= DETECTOR_RATES_HZ[1],
            f"the detector works at {DETECTOR_RATES_HZ[0]} to {DETECTOR_RATES_HZ[1]} Hz",
        ),
        (len(spec.classes) < 2, "fewer than two classes"),
        (len(set(spec.classes)) != len(spec.classes), "a class is named twice"),
        (not -(1 << 15) <= spec.adc_zero < 1 << 15, "adc.zero is not in 16 bits"),
        (not _is_plain(spec.adc_units_per_mv), f"adc.units_per_mv is not {_PLAIN}"),
        *_filter_findings(spec),
        (not 1 <= spec.window_samples <= MAX_WINDOW, f"window.samples is not 1 to {MAX_WINDOW}"),
        (not 0 <= spec.window_before < spec.window_samples, "window.before is not in the window"),
        (spec.normalization not in NORMALIZATIONS, f"normalization is not in {NORMALIZATIONS}"),
        (not _is_plain(spec.scale_mv), f"normalization.scale_mv is not {_PLAIN}"),
        (not _is_plain(spec.smallest_sd_mv), f"normalization.smallest_sd_mv is not {_PLAIN}"),
        *_average_findings(spec),
        (not set(spec.rr_features) <= set(RR_FEATURES), f"rr.features are not of {RR_FEATURES}"),
        (len(set(spec.rr_features)) != len(spec.rr_features), "an rr.features is named twice"),
        (spec.rr_input == spec.window_input, "rr.input and window.input have the same name"),
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
        (
            is_used and not 1 <= spec.unlike_divisor <= _LARGEST,
            f"average.unlike_divisor is not 1 to {_LARGEST:g}",
        ),
        (is_used and not 0 <= spec.early_ratio <= 1, "average.early_ratio is not 0 to 1"),
        *_p_wave_findings(spec),
        (
            is_used and spec.normalization != "fixed",
            "with [average], normalization.kind must be fixed: each beat's own scale would hide "
            "what sets it apart",
        ),
    ]


def _p_wave_findings(spec: PreprocessSpec) -> list[tuple[bool, str]]:
    needs = "p_likeness" in spec.rr_features
    first, end = (spec.window_before + at for at in (spec.p_from, spec.p_to))
    is_inside = 0 <= first < end <= spec.window_samples
    return [
        (needs and not spec.average_history, "p_likeness needs an [average]"),
        (
            (needs or spec.p_from != spec.p_to) and not is_inside,
            "average.p_from to average.p_to is not inside the window",
        ),
    ]


def _history_findings(spec: PreprocessSpec) -> list[tuple[bool, str]]:
    needs_long = bool(_LONG_FEATURES & set(spec.rr_features))
    needs_irregular = "irregularity" in spec.rr_features
    needs_rhythm = "unpredictability" in spec.rr_features
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
        (
            not 1 + needs_rhythm <= spec.rhythm_history <= MAX_RHYTHM_HISTORY,
            f"rr.rhythm_history is not 2 to {MAX_RHYTHM_HISTORY}",
        ),
        (
            len(spec.rr_gains) != len(spec.rr_features),
            f"{len(spec.rr_gains)} rr.gains for {len(spec.rr_features)} rr.features",
        ),
        (
            not all(0 < gain <= MAX_GAIN for gain in spec.rr_gains),
            f"an rr.gains is not above 0 and up to {MAX_GAIN}",
        ),
    ]


def _is_held(item: Filter, rate: int) -> bool:
    return survives_rounding(item.kind, order=item.order, cutoff_hz=item.cutoff_hz, rate_hz=rate)


def _filter_findings(spec: PreprocessSpec) -> list[tuple[bool, str]]:
    rate = spec.sample_rate_hz
    found = []
    for item in spec.filters:
        found += [
            (item.kind not in ("lowpass", "highpass"), f"filter kind {item.kind!r}"),
            (not 1 <= item.order <= 4, f"filter order {item.order} is not 1 to 4"),
            (not 0 < item.cutoff_hz < rate / 2, f"cutoff {item.cutoff_hz} Hz of {rate} Hz"),
        ]
        if not any(is_wrong for is_wrong, _ in found):
            found.append((not _is_held(item, rate), _NOT_HELD.format(item.cutoff_hz, rate)))
    n_sections = sum((item.order + 1) // 2 for item in spec.filters)
    lowpass = [item.cutoff_hz for item in spec.filters if item.kind == "lowpass"]
    aliases = spec.output_rate_hz < rate and min(lowpass, default=rate) >= spec.output_rate_hz / 2
    found += [
        (n_sections > MAX_SECTIONS, f"filters need more than {MAX_SECTIONS} sections"),
        (aliases, "the rate is lowered without a low-pass below half the output rate"),
    ]
    return found
