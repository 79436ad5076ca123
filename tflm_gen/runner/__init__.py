"""Runs firmware on boards and emulators, and talks to it."""
