"""Nodes of trained nets, one file each."""
