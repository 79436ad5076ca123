"""Compiles a real CMSIS-NN with the build recipe of upstream TFLM, for a Cortex-M4F.

    pip download --no-deps bakenn==1.0.0 && unzip bakenn-1.0.0-py3-none-any.whl -d unpacked
    python benchmarks/recipe_cmsis_nn.py bakenn-1.0.0-py3-none-any.whl unpacked

No package has TFLM's sources; this one carries part of CMSIS-NN 4.0.0 (git ca5dc343, Apache-2.0).
The tree around it has all file names of the recipe and empty files. What is shown: those sources
compile with the flags of the recipe for the core's hard-float ABI, and what they call is in the
folders that the recipe names, on the DSP path that the image for a Cortex-M55 does not have.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import shutil
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.support.cortex_m4 import M4Project, compiled_files, write_tflm_shape  # noqa: E402
from tests.support.programs import check  # noqa: E402
from tflm_gen import __version__  # noqa: E402

OPS = ("AVERAGE_POOL_2D", "CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "MAX_POOL_2D")
LIBC = {"memcpy", "memset"}


def put_real_parts(tree: Path, unpacked: Path) -> dict[str, str]:
    """Replace the tree's empty CMSIS-NN folders by real ones; hashes of the sources."""
    vendor = unpacked / "bakenn" / "backend" / "cmsis_nn" / "vendor"
    nn = tree / "third_party_deps" / "cmsis_nn"
    core = tree / "third_party_deps" / "cmsis" / "CMSIS" / "Core" / "Include"
    shutil.copytree(vendor / "cmsis_nn" / "Include", nn / "Include", dirs_exist_ok=True)
    shutil.copytree(vendor / "cmsis_core" / "Include", core, dirs_exist_ok=True)
    hashes = {}
    for folder in sorted((vendor / "cmsis_nn" / "Source").iterdir()):
        shutil.rmtree(nn / "Source" / folder.name, ignore_errors=True)
        shutil.copytree(folder, nn / "Source" / folder.name)
        for source in sorted(folder.glob("*.c")):
            name = f"{folder.name}/{source.name}"
            hashes[name] = hashlib.sha256(source.read_bytes()).hexdigest()
    return hashes


def unresolved(library: Path) -> dict[str, list[str]]:
    """What an object of CMSIS-NN calls that no object of the library has."""
    defined: set[str] = set()
    called: dict[str, set[str]] = defaultdict(set)
    for line in check("arm-none-eabi-nm", "-A", library).splitlines():
        match = re.search(r":(\S+)\.obj: *[0-9a-f]* ([A-Za-z]) (\S+)$", line)
        if match and match[2] == "U":
            called[match[1]].add(match[3])
        elif match and match[2] in "TDRB":
            defined.add(match[3])
    lacks = {name: sorted(calls - defined - LIBC) for name, calls in called.items()}
    return {name: calls for name, calls in lacks.items() if name.startswith("arm_") and calls}


def prove(unpacked: Path, folder: Path) -> dict[str, object]:
    """Compile, and look at the library."""
    tree = write_tflm_shape(folder / "tflm")
    hashes = put_real_parts(tree, unpacked)
    project = M4Project(root=folder / "p", engine="tflm").write(kernels="cmsis-nn", ops=OPS)
    build = project.configure(tflm_dir=tree)
    check("cmake", "--build", build, "--target", "ecg_tflm")
    (library,) = build.rglob("libecg_tflm.a")
    code = check("arm-none-eabi-objdump", "-d", "--no-show-raw-insn", library)
    attributes = check("arm-none-eabi-readelf", "-A", library)
    commands = compiled_files(build, tree)
    (command,) = (text for path, text in commands.items() if path.endswith("arm_convolve_s8.c"))
    compiled = {path for path in commands if path.split("Source/")[-1] in hashes}
    return {
        "operators": OPS,
        "compiled_sources": len(compiled),
        "sources_sha256": hashes,
        "flags": re.findall(r" -(?:O\d|m\S+|std=\S+|D\S+)", command),
        "objects_with_hard_float_abi": attributes.count("Tag_ABI_VFP_args: VFP registers"),
        "dsp_instructions": {word: code.count(f"\t{word}") for word in ("smlad", "sxtb16")},
        "unresolved_calls": unresolved(library),
    }


def main() -> None:
    """Write the result file."""
    parser = argparse.ArgumentParser(description="See the text above.")
    parser.add_argument("wheel", type=Path)
    parser.add_argument("unpacked", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = prove(arguments.unpacked, Path(folder))
    document = {
        "schema": "tflm-gen/recipe-cmsis-nn/1",
        "tool": __version__,
        "compiler": check("arm-none-eabi-gcc", "--version").splitlines()[0],
        "package": "PyPI bakenn 1.0.0: part of CMSIS-NN 4.0.0, three sources lightly changed",
        "package_sha256": hashlib.sha256(arguments.wheel.read_bytes()).hexdigest(),
        "result": result,
    }
    path = ROOT / "benchmarks" / "results" / "recipe-cmsis-nn.json"
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    print(path)


if __name__ == "__main__":
    main()
