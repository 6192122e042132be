"""What nets become for machines that know no tables: sources for chips, one folder a target.

A target is ``emit(built, name, options) -> {path: text}``, pure; :func:`tabulae.targets.folder.write` puts that into a
folder. What targets have in common stands here: which views need no copy, which operations are one step, what shares
memory, vectors to test with.
"""
