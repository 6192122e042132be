"""Readers of trained nets, one file for each kind."""
