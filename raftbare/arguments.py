"""Arguments are refused where they enter, before anything is changed.

The compiled build compares what it is given with the types that a method names, by itself.
`checked` has the pure one do so too, and say it in the same words; but what is made at every step
looks at its arguments itself, which is faster.  Numbers below 0 are refused by both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from types import CodeType, FunctionType, UnionType
from typing import Any, Final, NamedTuple, Union, get_args, get_origin, get_type_hints


def wrong_of(kinds: tuple[type, ...], found: object) -> TypeError:
    """What was found is of none of these types."""
    return TypeError(f"{_expected(kinds)} object expected; got {_shown(found)}")


def is_integer(value: object) -> bool:
    """As Python has it: what stands for one in a proof is no `int`."""
    return isinstance(value, int) or hasattr(value, "__index__")


def _fits(value: object, kinds: tuple[type, ...]) -> bool:
    if isinstance(value, kinds) or (int in kinds and is_integer(value)):
        return True
    truth = bool in kinds and type(value).__module__ != "builtins"
    return truth and hasattr(value, "__bool__")  # what stands for one in a proof


def fit(*values: tuple[object, type]) -> None:
    """Refuse the first value that is not of the type beside it."""
    for value, kind in values:
        if not _fits(value, (kind,)):
            raise wrong_of((kind,), value)


def natural(name: str, number: object) -> None:
    """Refuse, as `name`, what is no integer or is below 0."""
    if not is_integer(number):
        raise wrong_of((int,), number)
    if isinstance(number, int) and number < 0:
        raise ValueError(f"{name}={number}: a number from 0 was expected")


def names(name: str, nodes: Iterable[object]) -> None:
    """Refuse what is no name of a node."""
    for node in nodes:
        natural(name, node)


def is_pure(function: object) -> bool:
    """Whether it is not compiled."""
    return isinstance(function, FunctionType)


PURE: Final = is_pure(is_integer)


def checked(kind: type, *methods: str) -> None:
    """Let these methods of a class refuse arguments of other types than they name."""
    for name in methods:
        found = kind.__dict__[name]
        method = found.__func__ if isinstance(found, classmethod) else found
        if is_pure(method):
            checking = _checking(method)
            setattr(kind, name, classmethod(checking) if method is not found else checking)


def _checking(method: Callable[..., Any]) -> Callable[..., Any]:
    parameters: list[_Parameter] = []
    code = method.__code__

    @wraps(method)
    def checking(*args: Any, **named: Any) -> Any:
        if not parameters:  # the types of all modules are known by now
            parameters.extend(_parameters(method, code))
        for place, name, kinds in parameters:
            if place < len(args):
                value = args[place]
            elif name in named:
                value = named[name]
            else:
                continue
            if not _fits(value, kinds):
                raise wrong_of(kinds, value)
        return method(*args, **named)

    return checking


class _Parameter(NamedTuple):
    place: int
    name: str
    kinds: tuple[type, ...]


def _parameters(method: Any, code: CodeType) -> list[_Parameter]:
    hints = get_type_hints(method)
    places = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    found = []
    for place, name in enumerate(places):
        kinds = _kinds(hints[name]) if name in hints else ()
        if kinds:
            place = place if place < code.co_argcount else len(places)
            found.append(_Parameter(place, name, kinds))
    return found


def _kinds(hint: Any) -> tuple[type, ...]:
    """What an argument may be an instance of; nothing where any will do."""
    while hasattr(hint, "__supertype__"):
        hint = hint.__supertype__
    if get_origin(hint) in (Union, UnionType):
        return tuple([kind for one in get_args(hint) for kind in _kinds(one)])
    return (hint,) if isinstance(hint, type) and get_origin(hint) is None else ()


def _expected(kinds: tuple[type, ...]) -> str:
    shown = [_of_type(kind) for kind in kinds if kind is not type(None)]
    one = shown[0] if len(shown) == 1 else f"union[{', '.join(shown)}]"
    return f"{one} or None" if type(None) in kinds else one


def _shown(value: object) -> str:
    if value is None:
        return "None"
    if type(value) is tuple:
        return f"tuple[{', '.join([_shown(one) for one in value])}]"
    return _of_type(type(value))


def _of_type(kind: type) -> str:
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
