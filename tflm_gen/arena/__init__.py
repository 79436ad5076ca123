"""Finds the smallest tensor arena that works, on a device or with the host's interpreter."""
