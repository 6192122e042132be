"""Codes of variable length: symbols as fewer bytes, for storage. One file each."""
