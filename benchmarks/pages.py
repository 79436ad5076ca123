"""The example's figures as the pages quote them, rendered from the two result files."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "examples" / "ecg" / "ecg.tflite"
SCORES = ROOT / "examples" / "ecg" / "results.json"
DEVICE_RESULTS = ROOT / "benchmarks" / "results" / "example.json"
PAGES = ("README.md", "docs/compiled.md", "docs/nrf52840.md", "examples/ecg/README.md")
_BLOCK = re.compile(r"(<!-- figures:(\w+) -->)(\n?)(.*?)(<!-- /figures -->)", re.DOTALL)
_KINDS = ("VEB", "SVEB")
_NAMES = {"macro_f1": "macro F1", "auc": "AUC"}
_NAMES |= {f"{k.lower()}_{s}": f"{k} {n}" for k in _KINDS for s, n in (("se", "Se"), ("ppv", "+P"))}


def _load(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document


def _board(name: str) -> dict[str, Any]:
    board: dict[str, Any] = _load(DEVICE_RESULTS)["boards"][name]
    return board


def _verified(board: dict[str, Any]) -> str:
    verify = board["verify"]
    if not verify["equal"]:
        return f"of {verify['vectors']} vectors some differ"
    return f"{verify['vectors']} of {verify['vectors']} vectors equal"


def terminal() -> str:
    """What the quickstart shows."""
    return f"```text\n{_load(DEVICE_RESULTS)['terminal']}```"


def twin() -> str:
    """The example on the nRF52840's twin, in a table's cell."""
    board = _board("nrf52840")
    return (
        f"{_verified(board)}, example {board['bench']['invoke']['median']:,.0f} "
        f"`{board['bench']['basis']}`, arena {board['arena']['bytes']:,} bytes (static plan)"
    )


def chip() -> str:
    """The same with the sizes of the chip's image."""
    board = _board("nrf52840")
    memory = board["memory"]
    in_ram = sum(memory[f"{part}_ram_bytes"] for part in ("data", "stack", "arena"))
    return (
        f"linked for the chip ({memory['code_flash_bytes']:,} B of flash, {in_ram:,} B of RAM with "
        f"stack and arena); the twin's image ran: banner, {_verified(board)}, "
        f"{board['bench']['invoke']['median']:,.0f} instructions an inference "
        f"(`{board['bench']['basis']}`), counts per step"
    )


def beyond() -> str:
    """Flash of the compiled example that is not its int8 weights."""
    cores = _load(DEVICE_RESULTS)["compiled"]
    m4f, m55 = (cores[core] for core in ("cortex-m4f", "cortex-m55"))
    over = {
        core: sizes["code_bytes"] + sizes["constant_bytes"] - sizes["int8_weight_bytes"]
        for core, sizes in cores.items()
    }
    return (
        f"The [example](../examples/ecg/README.md) has {m55['int8_weight_bytes']:,} bytes of int8 weights and "
        f"{over['cortex-m55']:,} bytes beyond them on Cortex-M55.\nOn Cortex-M4F, where a convolution holds "
        f"a weight in two bytes ({m4f['convolution_weight_bytes']:,} more), it is {over['cortex-m4f']:,}: "
        f"{'within' if over['cortex-m4f'] <= 12 * 1024 else 'above'} 12 KB."
    )


def device() -> str:
    """A line a board: arena, instructions, equal bytes."""
    rows = ["| board | engine | arena | instructions an inference | verify | replay |"]
    rows.append("|---|---|---|---|---|---|")
    for name, board in _load(DEVICE_RESULTS)["boards"].items():
        arena = board["arena"]
        basis = arena["basis"]
        if basis == "proven":
            basis = f"proven: {arena['failed_at']:,} fail"
        records = board["replay"]["records"]
        replay = f"{sum(r['n_different'] for r in records):,} of " + (
            f"{sum(r['n_bytes'] for r in records):,} bytes differ, "
            f"{records[0]['cost']:.0f} {records[0]['cost_unit']} a sample"
        )
        rows.append(
            f"| {name} | {board['engine']} | {arena['bytes']:,} bytes ({basis}) | "
            f"{board['bench']['invoke']['median']:,.0f} | {_verified(board)} | {replay} |"
        )
    return "\n".join(rows)


def _runs() -> list[dict[str, Any]]:
    runs: list[dict[str, Any]] = _load(SCORES)["runs"]
    return runs


def shipped() -> dict[str, Any]:
    """The run whose model is the example."""
    results = _load(SCORES)
    return next(run for run in results["runs"] if run["seed"] == results["shipped_seed"])


def model() -> str:
    """Which seed, which file."""
    run = shipped()
    return (
        f"`ecg.tflite` is seed {run['seed']}'s model: {run['int8_bytes']:,} bytes, SHA-256\n"
        f"`{run['int8_sha256']}`."
    )


def _pair(score: dict[str, float | None]) -> str:
    return f"{100 * (score['se'] or 0):.2f} / {100 * (score['ppv'] or 0):.2f}"


def _gross(models: dict[str, Any], name: str, kind: str) -> str:
    return _pair(models[name]["ec57"][kind]["gross"])


def seeds() -> str:
    """Float and int8 of every seed, with the gate's verdict."""
    rows = ["| seed | VEB Se / +P | SVEB Se / +P | accuracy | macro F1 | same class | gate |"]
    rows.append("|---|---|---|---|---|---|---|")
    for run in _runs():
        models = run["evaluate"]["models"]
        gate = run["evaluate"]["gate"]
        worst = max(gate["checks"], key=lambda check: check["drop_points"])
        change = f"{_NAMES.get(worst['score'], worst['score'])} {round(-worst['drop_points'], 2) + 0.0:+.2f}"
        judged = "accepted" if gate["accepted"] else "rejected"
        told = {
            "float": ("", ""),
            "int8": (
                f"{100 * run['evaluate']['agreement']:.2f}",
                f"{judged}, least good: {change}",
            ),
        }
        for name, (same, verdict) in told.items():
            scores = (models[name]["scores"][k]["value"] for k in ("accuracy", "macro_f1"))
            cells = [*(_gross(models, name, kind) for kind in _KINDS)]
            cells += [*(f"{100 * value:.2f}" for value in scores), same, verdict]
            rows.append(f"| {run['seed']} {name} | {' | '.join(cells)} |")
    return "\n".join(rows)


def spread() -> str:
    """How far the seeds' float scores are apart, beside what int8 changes at most."""
    rows = ["| points | VEB Se | VEB +P | SVEB Se | SVEB +P |", "|---|---|---|---|---|"]
    floats, changes = [], []
    for kind in _KINDS:
        for key in ("se", "ppv"):
            pairs = [
                [
                    100 * run["evaluate"]["models"][name]["ec57"][kind]["gross"][key]
                    for name in ("float", "int8")
                ]
                for run in _runs()
            ]
            values = [value for value, _ in pairs]
            floats.append(f"{max(values) - min(values):.2f}")
            changes.append(f"{min((b - a for a, b in pairs), key=lambda d: -abs(d)):+.2f}")
    rows.append(f"| between the float models of {len(_runs())} seeds | {' | '.join(floats)} |")
    rows.append(f"| int8 less float, the largest of them | {' | '.join(changes)} |")
    return "\n".join(rows)


def scores() -> str:
    """The shipped int8 model on DS2, in two sentences."""
    evaluate = shipped()["evaluate"]
    told = [f"{kind} Se / +P {_gross(evaluate['models'], 'int8', kind)}" for kind in _KINDS]
    before = [_gross(evaluate["models"], "float", kind) for kind in _KINDS]
    return (
        f"On DS2 ({evaluate['n_beats']:,} beats of {len(evaluate['split']['test'])} patients, all but one "
        "of them new to it; beats from annotations, EC57 gross,\n"
        f"percent) the int8 file has {told[0]} and {told[1]};\n"
        f"float had {before[0]} and {before[1]}. Both call the same class on "
        f"{100 * evaluate['agreement']:.2f} % of the beats."
    )


def folds() -> str:
    """Cross-validation between the patients of DS1."""
    found = _load(SCORES)["cross_validation_ds1"]
    told = [
        f"{kind} Se / +P {found[f'{kind} se']:.2f} / {found[f'{kind} ppv']:.2f}" for kind in _KINDS
    ]
    return f"DS1, four folds between patients, seed {found['seed']}, float: {told[0]}, {told[1]}."


def detector() -> str:
    """The shipped model where the firmware finds the beats itself."""
    found = _load(SCORES)["detector_in_the_loop"]
    gross, models = found["gross"], found["models"]
    rows = [
        f"| {name} | {' | '.join(_pair(models[name][kind]) for kind in _KINDS)} |"
        for name in ("float", "int8")
    ]
    return "\n".join(
        [
            f"The detector itself: Se / +P {_pair(gross)} within "
            f"{found['match_window_ms']} ms, {found['missed']} beats missed, {found['extra']} made up.",
            "",
            f"| seed {shipped()['seed']}, `{found['trigger']}` | VEB Se / +P | SVEB Se / +P |",
            "|---|---|---|",
            *rows,
        ]
    )


FIGURES: dict[str, Callable[[], str]] = {
    f.__name__: f
    for f in (terminal, twin, chip, beyond, device, model, seeds, spread, scores, folds, detector)
}


def rendered(text: str, page: str) -> str:
    """A page's text with every block of figures as the result files have it.

    Raises:
        ValueError: If the page has no block, or one that nothing renders.
    """
    names = [found.group(2) for found in _BLOCK.finditer(text)]
    if not names or set(names) - set(FIGURES):
        raise ValueError(f"{page}: blocks of figures: {names}")

    def block(found: re.Match[str]) -> str:
        start, name, line, _, end = found.groups()
        return f"{start}{line}{FIGURES[name]()}{line}{end}"

    return _BLOCK.sub(block, text)
