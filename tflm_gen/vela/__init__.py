"""Arm's Vela compiler for the Ethos-U NPU, run in a child process."""
