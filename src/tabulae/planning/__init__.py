"""Bits to tensors: the format for every tensor that loses least within a budget, and a proof of how good that is.

``curves`` encodes a sample of every tensor in ``candidates`` and gives errors; with a sensitivity for every tensor
(nats per unit of error, from elsewhere) these become predicted losses. ``sizes`` counts bytes exactly. ``items``
says which tensors must agree, because they multiply one input; ``solve`` chooses, ``flat`` gives the plain choice to
compare with, ``plan`` writes down what was chosen. Nothing here runs a model.
"""
