"""Computes the smallest tensor arena of a model from its file and tables of facts, without running it."""
