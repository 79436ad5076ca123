"""Writes tflm_gen/check/kernel_types.json from what the runtimes do with every kernel case.

python -m tests.support.write_kernel_types RESULTS.jsonl 2026-11-21

RESULTS.jsonl is what tests/differential/run_kernel_cases.py writes.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.support.zoo_kernels import kernel_cases
from tflm_gen.check.kernel_types import _TABLE as TABLE
from tflm_gen.check.rules import IMAGE, WHEEL
from tflm_gen.errors import TflmGenError
from tflm_gen.model.reader import parse_model

EVIDENCE = {
    WHEEL: "one model for each operator and combination of data types, run on the wheel",
    IMAGE: "one model for each operator and combination of data types, run in QEMU",
}
# Data decides, not the types: the test's zeros are outside of the kernel's domain.
_DOMAIN = "only defined for positive values"


def valid_cases() -> set[tuple[str, str]]:
    """Cases that the validator accepts: the others are no TFLite files."""
    valid = set()
    for case in kernel_cases():
        try:
            parse_model(case.flatbuffer, "case.tflite")
        except TflmGenError:
            continue
        valid.add((case.op, case.signature))
    return valid


def accepted_signatures(lines: list[str]) -> dict[str, dict[str, list[str]]]:
    """Signatures that ran, by runtime and operator."""
    accepted: dict[str, dict[str, list[str]]] = {WHEEL: {}, IMAGE: {}}
    valid = valid_cases()
    for line in lines:
        row = json.loads(line)
        if (row["op"], row["signature"]) not in valid:
            continue
        for runtime in (WHEEL, IMAGE):
            verdict, said = row[runtime]["verdict"], row[runtime]["said"]
            if verdict == "no operator":
                continue
            by_op = accepted[runtime].setdefault(row["op"], [])
            # A kernel that complains and reports success has computed nothing.
            ran = verdict == "ran" and "not supported" not in said.replace("%20", " ")
            if verdict.startswith("not asked"):
                continue
            if ran or _DOMAIN in said.replace("%20", " "):
                by_op.append(row["signature"])
    return accepted


def main(argv: list[str]) -> int:
    accepted = accepted_signatures(Path(argv[0]).read_text(encoding="utf-8").splitlines())
    lines = ["{", f' "measured": "{argv[1]}",', ' "runtimes": {']
    for n, (runtime, by_op) in enumerate(accepted.items()):
        lines.append(f'  "{runtime}": {{"evidence": "{EVIDENCE[runtime]}", "accepted": {{')
        rows = [f'   "{op}": {json.dumps(sorted(set(by_op[op])))}' for op in sorted(by_op)]
        lines.append(",\n".join(rows))
        lines.append("  }}" + ("," if n == 0 else ""))
    lines += [" }", "}"]
    TABLE.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
