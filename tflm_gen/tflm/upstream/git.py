"""The few git commands that fetching a source tree needs: never a prompt, never without an end."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tflm_gen.errors import DownloadError, HashMismatchError
from tflm_gen.process import CommandLine, find_tool, run

if TYPE_CHECKING:
    from pathlib import Path

_FETCH_TIMEOUT_S = 1800.0
_LOCAL_TIMEOUT_S = 120.0
_NO_PROMPTS = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "true",
    "GIT_SSH_COMMAND": "ssh -oBatchMode=yes -oConnectTimeout=15",
}
# A dead connection ends after half a minute, however long the limit of the whole fetch is.
_CONFIG = (
    *("-c", "http.lowSpeedLimit=1000"),
    *("-c", "http.lowSpeedTime=30"),
    *("-c", "advice.detachedHead=false"),
    *("-c", "transfer.fsckObjects=true"),
)
_FULL_ID = re.compile(r"[0-9a-f]{40}")


def git(*arguments: str, folder: Path, purpose: str, is_remote: bool = False) -> str:
    """Run git in a folder and return what it prints.

    Args:
        arguments: Command and options.
        folder: Working folder.
        purpose: For messages, as "fetch TFLM".
        is_remote: The command uses the network.

    Raises:
        MissingToolError: If git is not installed.
        DownloadError: If git fails.
        ProcessTimeoutError: If it does not end.
    """
    program = find_tool("git", install_hint="Run: sudo apt-get install git")
    done = run(
        CommandLine(
            argv=(program, *_CONFIG, *arguments),
            purpose=purpose,
            timeout_s=_FETCH_TIMEOUT_S if is_remote else _LOCAL_TIMEOUT_S,
            cwd=folder,
            env=_NO_PROMPTS,
        )
    )
    if done.returncode != 0:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
        reason = next((line for line in lines if line.startswith(("fatal:", "error:"))), "")
        raise DownloadError(
            f"cannot {purpose}: {reason or (lines[-1] if lines else 'git failed')}",
            hint="Fetch it on a machine with network (docs/tflm-sources.md has the commands), "
            "then name the folder: TFLM_GEN_TFLM_DIR=DIR or --tflm-dir DIR.",
        )
    return done.stdout.decode("utf-8", "replace").strip()


def object_id(revision: str, *, folder: Path) -> str:
    """Full id of a revision that is here."""
    return git(
        "rev-parse", "--verify", "--quiet", revision, folder=folder, purpose=f"find {revision}"
    )


def fetch_revision(repository: str, revision: str, *, folder: Path, purpose: str) -> str:
    """Fetch one commit or tag into a new working tree; returns the commit's id.

    Raises:
        DownloadError: If it cannot be fetched.
        HashMismatchError: If a commit id was asked for and another commit came.
    """
    folder.mkdir(parents=True)
    git("init", "--quiet", folder=folder, purpose=purpose)
    git(
        *("fetch", "--quiet", "--depth", "1", repository, revision),
        folder=folder,
        purpose=purpose,
        is_remote=True,
    )
    commit = object_id("FETCH_HEAD^{commit}", folder=folder)
    if _FULL_ID.fullmatch(revision) and commit != revision:
        raise HashMismatchError(
            f"{repository} gave commit {commit} for {revision}",
            hint="The repository is not the one the revision was read in; do not use it.",
        )
    git("checkout", "--quiet", "--detach", commit, folder=folder, purpose=purpose)
    return commit
