"""Finds the data that ships with the tool: boards, firmware templates, examples, Renode files."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def data_root() -> Path:
    """Folder that holds ``boards/``, ``firmware_templates/``, ``examples/`` and ``renode/``.

    A wheel carries them as ``tflm_gen/_data``; in a checkout (also an editable install) they are
    beside the package.
    """
    bundled = _PACKAGE / "_data"
    return bundled if bundled.is_dir() else _PACKAGE.parent


def boards_dir() -> Path:
    """Folder of the board files."""
    return data_root() / "boards"


def user_boards_dir() -> Path:
    """Folder of the user's own board files: ``$TFLM_GEN_BOARDS``, else the XDG configuration folder."""
    import os

    explicit = os.environ.get("TFLM_GEN_BOARDS")
    if explicit:
        return Path(explicit)
    base = os.environ.get("XDG_CONFIG_HOME")
    return (Path(base) if base else Path.home() / ".config") / "tflm-gen" / "boards"


def firmware_templates_dir() -> Path:
    """Folder of the firmware sources and templates."""
    return data_root() / "firmware_templates"


def examples_dir() -> Path:
    """Folder of the example models."""
    return data_root() / "examples"


def renode_dir() -> Path:
    """Folder of the Renode platforms and scripts."""
    return data_root() / "renode"


def cache_dir() -> Path:
    """Folder for downloads and build caches: ``$TFLM_GEN_CACHE``, else the XDG cache folder."""
    import os

    explicit = os.environ.get("TFLM_GEN_CACHE")
    if explicit:
        return Path(explicit)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "tflm-gen"
