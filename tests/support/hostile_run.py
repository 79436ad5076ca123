"""Runs the tool over all hostile files in one process with limits, and prints what it did.

python -m tests.support.hostile_run FOLDER VERB ARGUMENT ...     ("{}" stands for the file)
"""

from __future__ import annotations

import contextlib
import io
import json
import resource
import shutil
import signal
import sys
from pathlib import Path

from tests.support.hostile_files import EVERY

MEMORY_BYTES = 1 << 30
_CPU_LIMIT_S = 5.0


def main(folder: Path, arguments: list[str]) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    from tflm_gen.cli import run

    answers = {}
    for name, make in EVERY.items():
        path = folder / "model.tflite"
        make(path)
        before = sorted(folder.rglob("*"))
        # Past so much processor time the process is ended, and the caller sees no answer.
        signal.setitimer(signal.ITIMER_PROF, _CPU_LIMIT_S)
        out, err = io.StringIO(), io.StringIO()
        sys.stderr.write(f"{name}\n")
        sys.stderr.flush()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            exit_code = run([part.format(path) for part in arguments])
        signal.setitimer(signal.ITIMER_PROF, 0.0)
        answers[name] = {
            "exit_code": exit_code,
            "stdout": out.getvalue(),
            "stderr": err.getvalue(),
            "is_clean": sorted(folder.rglob("*")) == before,
        }
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    peak_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    answer = {
        "answers": answers,
        "peak_bytes": peak_bytes,
        "child_peak_bytes": children.ru_maxrss * 1024,
    }
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
