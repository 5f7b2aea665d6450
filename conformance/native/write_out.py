"""Modules with their values written out as plain classes, which mypyc makes native.

A `NamedTuple` or a `dataclass` gets its methods at run time, where mypyc does not see them, so that
it stays an ordinary Python class: making such values is most of what a step of the specification
costs.  Here each becomes a class with the same constructor, fields, `_replace`, `_asdict`, equality
and hash, all written as source.  Everything else stays word by word as it is, under another package
name.

What a tuple can do is kept as far as the modules use it: order (of numbers alone), iteration,
slices.  There is no `repr`: what is shown to people comes from the specification itself.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from typing import Final, Literal, NamedTuple

from conformance.native import matching
from conformance.native.matching import Fields

UNSET: Final = '''\
"""Stands for an argument of `_replace` that is not given."""

from typing import Final, final


@final
class Unset:
    pass


UNSET: Final = Unset()
'''
NUMBERS: Final = frozenset({"int", "NodeId", "Term", "Index", "SeqNo", "v.Index", "v.Term"})
"""Annotations of fields that have an order."""


class _Field(NamedTuple):
    name: str
    annotation: str
    default: str | None
    factory: str | None
    """What makes the default anew for each value."""
    compared: bool


def fields_of(sources: Iterable[str]) -> dict[str, list[str]]:
    """The fields of all classes in modules that are values, by the names of the classes."""
    found: dict[str, list[str]] = {}
    for source in sources:
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.ClassDef) and _kind(node) is not None:
                fields = [
                    _field(item).name for item in node.body if isinstance(item, ast.AnnAssign)
                ]
                if found.setdefault(node.name, fields) != fields:
                    raise ValueError(f"two classes {node.name}")
    return found


def written_out(source: str, names: Mapping[str, str], fields: Fields, unset: str) -> str:
    """A module with its values as classes.  `names`: the new names of modules, as they are imported
    from; others stay where they are.  `fields`: what `fields_of` says of all modules.  `unset`: the
    module with the text `UNSET`.
    """
    tree = _Rewriter(names, fields).visit(ast.parse(source))
    at = 1 + max(
        index
        for index, node in enumerate(tree.body)
        if index == 0 or (isinstance(node, ast.ImportFrom) and node.module == "__future__")
    )
    tree.body[at:at] = ast.parse(
        "from typing import Any as _Any, ClassVar as _ClassVar, final as _final\n"
        "from collections.abc import Iterator as _Iterator\n"
        f"from {unset} import UNSET as _UNSET, Unset as _Unset\n"
    ).body
    return ast.unparse(ast.fix_missing_locations(tree)) + "\n"


class _Rewriter(ast.NodeTransformer):
    def __init__(self, names: Mapping[str, str], fields: Fields) -> None:
        self._names = names
        self._fields = fields
        self._matches = 0

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.ImportFrom:
        assert node.module is not None, "no relative imports"
        node.module = self._names.get(node.module, node.module)
        return node

    def visit_Import(self, node: ast.Import) -> ast.Import:
        if any(alias.name in self._names for alias in node.names):
            raise ValueError(f"{ast.unparse(node)}: only `from ... import` can be renamed")
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """`dataclasses.replace` knows no other classes."""
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id == "replace":
            node.func = ast.Attribute(node.args.pop(0), "_replace", ast.Load())
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        """mypyc does not bear a type alias that speaks of itself; and of a constant that other
        modules use it may have to be told the type.
        """
        value, name = node.value, node.target
        if isinstance(value, ast.Call) and ast.unparse(node.annotation) == "Final":
            if isinstance(value.func, ast.Name) and value.func.id in self._fields:
                node.annotation = ast.Subscript(node.annotation, value.func, ast.Load())
        if not (isinstance(value, ast.Constant) and isinstance(value.value, str)):
            return self.generic_visit(node)
        if isinstance(name, ast.Name) and ast.unparse(node.annotation) == "TypeAlias":
            alias = _WithoutItself(name.id).visit(ast.parse(value.value, mode="eval"))
            node.value = ast.Constant(ast.unparse(alias))
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        self.generic_visit(node)
        kind = _kind(node)
        return node if kind is None else _as_class(node, kind)

    def visit_Match(self, node: ast.Match) -> ast.AST | list[ast.stmt]:
        self.generic_visit(node)
        self._matches += 1
        written = matching.written_out(node, self._fields, f"match_{self._matches}")
        return node if written is None else written


class _WithoutItself(ast.NodeTransformer):
    def __init__(self, name: str) -> None:
        self._name = name

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        if isinstance(node.value, ast.Name) and node.value.id == self._name:
            return ast.Name("_Any", ast.Load())
        return self.generic_visit(node)


def _kind(node: ast.ClassDef) -> Literal["tuple", "frozen", "mutable"] | None:
    """What kind of value a class is; None if it is none."""
    if [ast.unparse(base) for base in node.bases] == ["NamedTuple"]:
        return "tuple"
    for decorator in map(ast.unparse, node.decorator_list):
        if decorator.startswith("dataclass"):
            return "frozen" if "frozen=True" in decorator else "mutable"
    return None


def _as_class(node: ast.ClassDef, kind: Literal["tuple", "frozen", "mutable"]) -> ast.ClassDef:
    fields = [_field(item) for item in node.body if isinstance(item, ast.AnnAssign)]
    methods = [item for item in node.body if isinstance(item, ast.FunctionDef)]
    text = [_constructor(fields)]
    if kind != "mutable":
        text += [_equality(node.name, fields), _replace(node.name, fields)]
    if kind == "tuple":
        text.append(_as_tuple(node.name, fields))
    lines = [f"@_final\nclass {node.name}:"]
    names = "".join(f"{field.name!r}, " for field in fields)
    lines.append(f"    __match_args__ = ({names})")
    if kind == "tuple":
        lines.append(f"    _fields: _ClassVar[tuple[str, ...]] = ({names})")
    lines += [f"    {field.name}: {field.annotation}" for field in fields]
    lines += ["    " + line for part in text for line in part.splitlines()]
    made = ast.parse("\n".join(lines)).body[0]
    assert isinstance(made, ast.ClassDef)
    made.body += methods
    return made


def _field(item: ast.AnnAssign) -> _Field:
    assert isinstance(item.target, ast.Name)
    default, factory, compared = item.value, None, True
    if isinstance(default, ast.Call) and ast.unparse(default.func) == "field":
        options = {option.arg: option.value for option in default.keywords}
        default = options.pop("default", None)
        made = options.pop("default_factory", None)
        if made is not None:
            # The body of a lambda alone: mypy knows its type from where it is assigned.
            anew = made.body if isinstance(made, ast.Lambda) else ast.Call(made, [], [])
            factory = ast.unparse(anew)
        compared = ast.unparse(options.pop("compare", ast.Constant(True))) == "True"
        if options:
            raise ValueError(
                f"{ast.unparse(item)}: what is to become of {sorted(map(str, options))}?"
            )
    text = None if default is None else ast.unparse(default)
    return _Field(item.target.id, ast.unparse(item.annotation), text, factory, compared)


def _constructor(fields: list[_Field]) -> str:
    arguments, body = "", ""
    for name, annotation, default, factory, _ in fields:
        if factory is not None:
            arguments += f", {name}: {annotation} | None = None"
            body += f"    self.{name} = {factory} if {name} is None else {name}\n"
        else:
            arguments += f", {name}: {annotation}" + ("" if default is None else f" = {default}")
            body += f"    self.{name} = {name}\n"
    return f"def __init__(self{arguments}) -> None:\n" + (body or "    pass\n")


def _equality(name: str, fields: list[_Field]) -> str:
    compared = [field.name for field in fields if field.compared]
    same = "".join(f" and self.{field} == other.{field}" for field in compared)
    values = "".join(f"self.{field}, " for field in compared)
    return (
        "def __eq__(self, other: object) -> bool:\n"
        f"    return self is other or (isinstance(other, {name}){same})\n"
        "def __hash__(self) -> int:\n"
        f"    return hash(({values}))\n"
    )


def _replace(name: str, fields: list[_Field]) -> str:
    if not fields:
        return ""
    arguments = "".join(f", {one.name}: {one.annotation} | _Unset = _UNSET" for one in fields)
    values = ", ".join(
        f"self.{one.name} if isinstance({one.name}, _Unset) else {one.name}" for one in fields
    )
    return f"def _replace(self, *{arguments}) -> {name}:\n    return {name}({values})\n"


def _as_tuple(name: str, fields: list[_Field]) -> str:
    values = "".join(f"self.{field.name}, " for field in fields)
    items = ", ".join(f"{field.name!r}: self.{field.name}" for field in fields)
    text = (
        f"def _asdict(self) -> dict[str, _Any]:\n    return {{{items}}}\n"
        "def __iter__(self) -> _Iterator[_Any]:\n"
        f"    return iter(({values}))\n"
        "def __getitem__(self, key: _Any) -> _Any:\n"
        f"    values: tuple[_Any, ...] = ({values})\n"
        "    return values[key]\n"
    )
    if all(field.annotation in NUMBERS for field in fields):
        others = "".join(f"other.{field.name}, " for field in fields)
        for operator, method in (("<", "lt"), ("<=", "le"), (">", "gt"), (">=", "ge")):
            text += f"def __{method}__(self, other: {name}) -> bool:\n"
            text += f"    return ({values}) {operator} ({others})\n"
    return text
