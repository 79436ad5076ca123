from __future__ import annotations

import pytest

from tflm_gen.runner.faults import describe_program_end, describe_qemu_end

LOCKUP = """\
qemu: fatal: Lockup: can't escalate 3 to HardFault (current priority -1)

R00=00000000 R01=00000000 R02=00000000 R03=00000000
R12=00000000 R13=20000fe0 R14=fffffff9 R15=00001234
XPSR=00000003 ---- A S handler
"""


def test_a_lockup_is_recognised_with_its_registers():
    text = describe_qemu_end(-6, LOCKUP)
    assert text.startswith("CPU lockup")
    assert "can't escalate 3 to HardFault" in text
    assert "sp=0x20000fe0 lr=0xfffffff9 pc=0x00001234 psr=0x00000003" in text
    assert "\n" not in text


@pytest.mark.parametrize(
    ("returncode", "stderr", "text"),
    [
        (0, "", "the program ended with exit code 0"),
        (1, "warning\nCould not load\n", "the program ended with exit code 1: Could not load"),
        (-9, "", "the program was ended by SIGKILL"),
        (-99, "", "the program was ended by signal 99"),
        (None, "", "the program still runs, but closed its serial line"),
    ],
)
def test_other_ends(returncode, stderr, text):
    assert describe_program_end(returncode, stderr) == text
    assert describe_qemu_end(returncode, stderr) == text
