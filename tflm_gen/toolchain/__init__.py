"""Builds of generated projects: CMake, ELF files, finished builds by content."""
