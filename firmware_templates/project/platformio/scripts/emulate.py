"""Starts the firmware, prints what it says, and ends when its start-up has ended.

    emulate.py [--as-tests] FIRMWARE PROGRAM ARGUMENT...

FIRMWARE is appended to the program's arguments. Exits 0 if the start-up went well. With --as-tests the steps
are printed as test results and the exit code is 0 whenever there are results: PlatformIO counts them.
"""

from __future__ import annotations

import subprocess
import sys
import threading

LIMIT_S = 60.0
STEPS = {"1": "resolver", "2": "allocate", "3": "selftest", "4": "golden vector"}


def write(*lines: str) -> None:
    """Print lines at once."""
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


def fields(line: str) -> dict[str, str]:
    """The key=value pairs of a record."""
    return dict(word.split("=", 1) for word in line.split() if "=" in word)


def watch(process: subprocess.Popen[str], lines: list[str]) -> None:
    """Collect lines until the start-up has ended one way or the other."""
    for line in process.stdout or ():
        lines.append(line.rstrip())
        words = line.split()
        if len(words) > 1 and words[1] in {"READY", "FAULT"}:
            return


def run(argv: list[str]) -> list[str]:
    """What the program said."""
    lines: list[str] = []
    with subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        reader = threading.Thread(target=watch, args=(process, lines), daemon=True)
        reader.start()
        reader.join(LIMIT_S)
        process.kill()
    return lines


def verdict(lines: list[str]) -> str:
    """The word ok, or what went wrong."""
    for line in lines:
        name = line.split()[1] if len(line.split()) > 1 else ""
        if name == "FAULT":
            return f"fault: {line}"
        if name == "READY":
            status = fields(line).get("status", "?")
            return "ok" if status == "0" else f"start-up failed at: {STEPS.get(status, status)}"
    return f"no READY within {LIMIT_S:.0f} s: {lines[-1] if lines else 'no output'}"


def print_tests(lines: list[str]) -> None:
    """The start-up's steps as results that PlatformIO's test runner counts."""
    found = verdict(lines)
    selftest = next((fields(line) for line in lines if " SELFTEST " in line), {})
    results = {
        "start_up": "PASS" if found == "ok" else f"FAIL: {found}",
        "golden_vector": "PASS"
        if selftest.get("equal") == "1"
        else f"FAIL: first difference at byte {selftest.get('first_difference', '?')}",
    }
    if selftest.get("bytes") == "0":
        results["golden_vector"] = "IGNORE: the project was made without a reference interpreter"
    for name, result in results.items():
        write(f"generated/test_vector.cc:1:{name}:{result}")
    failures = sum(result.startswith("FAIL") for result in results.values())
    ignored = sum(result.startswith("IGNORE") for result in results.values())
    write(f"{len(results)} Tests {failures} Failures {ignored} Ignored")
    write("FAIL" if failures else "OK")


def main() -> int:
    """Run and judge."""
    arguments = sys.argv[1:]
    as_tests = arguments[:1] == ["--as-tests"]
    firmware, *argv = arguments[1:] if as_tests else arguments
    lines = run([*argv, firmware])
    if as_tests:
        print_tests(lines)
        return 0
    write(*lines)
    found = verdict(lines)
    write(f"emulate: {found}")
    return 0 if found == "ok" else 1


sys.exit(main())
