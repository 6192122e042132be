"""Roles say what fields name; whatever asks for them knows no operation."""

from tabulae.program.operation import Linear, roles
from tabulae.program.ops import OPERATIONS
from tabulae.program.ops.attention import Attention, kept
from tabulae.program.ops.embed import Band, Embed
from tabulae.program.ops.project import Project
from tabulae.program.ops.rotary import Rotary


def test_names_by_role() -> None:
    op = Attention("q", "k", "v", "a", *kept(3), 2, 1, 4, 0.5, slopes="s")
    assert (op.reads(), op.writes()) == (("q", "k", "v"), ("a",))
    assert (op.names("state"), op.names("vector"), op.names("table")) == (("3.keys", "3.values"), ("s",), ())


def test_what_is_not_there_has_no_name() -> None:
    assert Attention("q", "k", "v", "a", *kept(0), 2, 1, 4, 0.5).names("vector") == ()
    assert Rotary("q", "f", 4).names("constant") == ("f",)


def test_parts_have_roles_too() -> None:
    op = Project("h", (Linear("a", "q", rows=(0, 2)), Linear("b", "q", "c", rows=(2, 4))))
    assert (op.names("table"), op.names("table", "vector"), op.writes()) == (("a", "b"), ("a", "b", "c"), ("q",))
    assert Embed((Band("a", (0, 2)), Band("b", (2, 4))), "x").names("table") == ("a", "b")


def test_what_is_changed_in_place_is_read_and_written() -> None:
    op = Rotary("q", "f", 4)
    assert op.reads() == op.writes() == ("q",)


def test_every_text_of_an_operation_has_a_role_or_is_an_option() -> None:
    """A name without a role would be invisible to checks, passes and the binding."""
    texts = {f"{tag}.{field}" for tag, op in OPERATIONS.items() for field in roles(op)}
    without = {f"{tag}.{field}" for tag, op in OPERATIONS.items() for field, role in roles(op).items() if role is None}
    assert {"add.a", "route.chosen"} <= texts - without
    options = {"fn", "deal", "scale", "eps", "head", "heads", "kv_heads", "window", "original", "offset", "cap", "top"}
    options |= {"axis", "begin", "begin2", "fill", "groups", "how"}
    parts = {"bands", "linears", "experts", "pieces", "terms"}
    assert {name.split(".")[1] for name in without} == options | parts | {"normalise"}
