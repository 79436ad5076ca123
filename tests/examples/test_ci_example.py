"""The example workflow: its commands exist, and its budget line judges as it should."""

from __future__ import annotations

import json
import re
import shlex
import sys
import textwrap
from pathlib import Path

import pytest

from tests.support.command_line import run_tool
from tests.support.programs import run
from tflm_gen import resources
from tflm_gen.board_loader import list_board_ids

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "ci"
TEXT = (FOLDER / "github-actions.yml").read_text(encoding="utf-8")
COMMANDS = re.findall(r"\btflm-gen (?:build|verify|bench|deps) [^\n|]+", TEXT) + re.findall(
    r"^tflm-gen [^\n]+", (FOLDER / "README.md").read_text(encoding="utf-8"), re.M
)


@pytest.mark.parametrize("command", sorted(set(COMMANDS)))
def test_commands_exist_with_their_options(command: str) -> None:
    words = shlex.split(command.partition(">")[0])[1:]
    verb = words[:2] if words[0] == "deps" else words[:1]
    result = run_tool(*verb, "--help")
    assert result.exit_code == 0
    for option in (word for word in words if word.startswith("--")):
        assert re.search(rf"{option}\b", result.stdout), option
    if "--board" in words:
        assert words[words.index("--board") + 1] in list_board_ids()


def test_robot_suite_and_its_variable_exist() -> None:
    (suite,) = re.findall(r"tests-to-run: firmware/renode/(\S+)", TEXT)
    text = (resources.renode_dir() / suite).read_text(encoding="utf-8")
    for name in re.findall(r"--variable (\w+):", TEXT):
        assert f"${{{name}}}" in text
    for tag in re.findall(r"--exclude (\w+)", TEXT):
        assert re.search(rf"\[Tags\] +{tag}\b", text)


@pytest.mark.parametrize(("median", "is_within"), [(400_000.0, True), (400_001.0, False)])
def test_budget_line(tmp_path: Path, median: float, is_within: bool) -> None:
    (program,) = re.findall(r"<<'END'\n(.*?)^ +END$", TEXT, re.S | re.M)
    (tmp_path / "bench.json").write_text(json.dumps({"invoke": {"median": median}}))
    done = run(sys.executable, "-c", textwrap.dedent(program), "400000", cwd=tmp_path)
    assert (done.returncode == 0) is is_within, done.stderr
    assert f"{median:,.0f} of 400,000 instructions" in done.stdout


@pytest.mark.oracle  # PyYAML comes with the wheel.
def test_workflow_is_one_that_github_takes() -> None:
    import yaml

    workflow = yaml.safe_load(TEXT)
    # YAML 1.1 reads the bare word "on" as true; GitHub reads it as a name.
    assert set(workflow) == {"name", True, "env", "jobs"}
    assert set(workflow[True]) <= {"push", "pull_request", "workflow_dispatch"}
    for job in workflow["jobs"].values():
        assert set(job) == {"runs-on", "timeout-minutes", "steps"}
        for step in job["steps"]:
            assert ("run" in step) != ("uses" in step), step
            assert set(step) <= {"name", "run", "uses", "with", "if"}
            assert re.fullmatch(r"[\w.-]+/[\w.-]+@v\d+", step.get("uses", "a/b@v1")), step
            # A variable of the shell is one of the workflow's.
            for name in re.findall(r"\$([A-Z_]+)", step.get("run", "")):
                assert name in workflow["env"], name
    for name in re.findall(r"\$\{\{ env\.(\w+) \}\}", TEXT):
        assert name in workflow["env"], name


@pytest.mark.oracle
def test_scripts_of_the_workflow_are_valid_shell(tmp_path: Path) -> None:
    import yaml

    scripts = [
        step["run"]
        for job in yaml.safe_load(TEXT)["jobs"].values()
        for step in job["steps"]
        if "run" in step
    ]
    assert len(scripts) > 5
    for number, script in enumerate(scripts):
        path = tmp_path / f"{number}.sh"
        path.write_text(script)
        done = run("bash", "-n", path)
        assert done.returncode == 0, done.stderr
