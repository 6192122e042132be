"""Nets: trained nets in float, and what they become: integers from end to end, their products made before they run."""
