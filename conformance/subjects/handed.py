"""The library as its user has it: with objects that are kept, delivered as they are, and changed.

What a node hands out is the user's for as long as it likes, and so it is looked at again later: the
library must not have changed it.  What the user hands in is looked at after the call.  Then the
user changes what is its own, by obligation 11 of the package raftbare: a node that shares it would
change with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import ModuleType, SimpleNamespace
from typing import Any, Final, NamedTuple

import raftbare
from conformance.observe.finding import Part
from conformance.subjects.asking.questions import Asked
from conformance.subjects.library import LibrarySubject
from spec import values as v

MANY: Final = 256
"""Of so many things the oldest is looked at for the last time, and changed."""

NOBODY: Final = SimpleNamespace(peers=())
"""Stands for the node of a broadcast whose content alone is looked at."""


class Kept(NamedTuple):
    """A thing of the library's, and what it was when it was handed out or in."""

    thing: Any
    translate: Callable[[Any], object]
    was: object


class InUse(LibrarySubject):
    """raftbare's nodes, and a user that keeps, compares and changes objects."""

    unread: tuple[str, ...] = ()
    """Which slots of the library's classes were not compared, though they were to be."""

    def __init__(self, library: ModuleType = raftbare) -> None:
        super().__init__(library)
        self._kept: dict[int, Kept] = {}
        """By identity, in the order in which they were handed out."""
        self._sent: dict[object, tuple[v.Message, Any]] = {}
        self._lent: list[Kept] = []
        self._lists: list[list[v.NodeId]] = []
        self.changed: list[Part] = []
        """What is known to have been changed."""
        self._strange = self.library.ClusterConfig([0])
        """What the user changes a configuration to."""

    # What the library has changed

    def look_at_all(self) -> list[Part]:
        """All that is known to have been changed, once everything that is kept was looked at."""
        for kept in self._kept.values():
            self._look_at("handed out", kept)
        return self.changed

    def _look_at(self, how: str, kept: Kept) -> None:
        now = kept.translate(kept.thing)
        if now != kept.was:
            self.changed.append((f"what was {how}", kept.was, now))

    # Handed out

    def keep(self, thing: Any, translate: Callable[[Any], object], was: object) -> None:
        again = self._kept.pop(id(thing), None)
        if again is not None:  # a thing that was handed out before, too
            self._look_at("handed out", again)
        self._kept[id(thing)] = Kept(thing, translate, was)
        if len(self._kept) > MANY:
            oldest = self._kept.pop(next(iter(self._kept)))
            self._look_at("handed out", oldest)
            self._use_up(oldest.thing)

    def action_to_spec(self, node: Any, action: Any) -> v.Action:
        translated = super().action_to_spec(node, action)
        if isinstance(translated, (v.BroadcastMessage, v.SendMessage)):
            message = translated.message
            self._sent[_name(message)] = message, action.message
            is_all = isinstance(translated, v.BroadcastMessage)
            self.keep(action, self._content, v.BroadcastMessage(message) if is_all else translated)
        elif isinstance(translated, v.AppendLogEntries):
            if translated.prev_position.index % 2:
                self.keep(action, self._content, translated)
            else:
                self._spoil(action.entries)
        return translated

    def _content(self, action: Any) -> v.Action:
        return super().action_to_spec(NOBODY, action)

    def _use_up(self, action: Any) -> None:
        """The user changes what is its own of an action that it has kept for long."""
        library = self.library
        if isinstance(action, library.AppendLogEntries):
            self._spoil(action.entries)
        elif isinstance(action, (library.BroadcastMessage, library.SendMessage)):
            self._sent.pop(_name(action.message), None)
            if isinstance(action.message, library.AppendEntriesCall):
                self._spoil(action.message.entries)

    def _spoil(self, entries: Any) -> None:
        library = self.library
        entries.truncate(0)
        entries.push(library.TermEntry(entries.last_position.term + 1))
        entries.push(library.ConfigEntry(self._strange))

    # Handed in

    def handle(self, node: v.NodeId, event: v.Event) -> v.Outcome:
        outcome = super().handle(node, event)
        if self._lent or self._lists:
            self._take_back()
        return outcome

    def answer(self, node: v.NodeId, asked: Asked) -> object:
        answer = super().answer(node, asked)
        if self._lent or self._lists:
            self._take_back()
        return answer

    def message_from_spec(self, message: v.Message) -> Any:
        """The message that was sent, as between nodes of one process, or an equal one."""
        sent, thing = self._sent.get(_name(message), (None, None))
        if sent == message and (message.sender + message.seqno) % 4:
            return thing  # it is kept, and will be looked at
        thing = self.new_message(message)
        self._lent.append(Kept(thing, self.message_to_spec, message))
        return thing

    def log_from_spec(self, log: v.Log) -> Any:
        thing = self.new_log(log)
        self._lent.append(Kept(thing, self.log_to_spec, log))
        return thing

    def names(self, nodes: Iterable[v.NodeId]) -> Iterable[v.NodeId]:
        """A list, which the user clears when the call is over; or what can be read once."""
        listed = list(nodes)
        if len(listed) % 2:
            return iter(listed)
        self._lists.append(listed)
        return listed

    def _take_back(self) -> None:
        """After a call: what was handed in is as it was, and the user changes what is its own."""
        library = self.library
        for kept in self._lent:
            self._look_at("handed in", kept)
        for thing, _, _ in self._lent:
            if isinstance(thing, library.AppendEntriesCall):
                self._spoil(thing.entries)
            elif isinstance(thing, library.Log):
                self._spoil(thing.entries)
                thing.entries = library.LogEntries(library.LogPosition.ZERO)
                thing.snapshot_config = self._strange
        for listed in self._lists:
            listed.clear()
        self._lent.clear()
        self._lists.clear()


def _name(message: Any) -> object:
    """What a message is looked for by; whether it is that one is seen when it is compared."""
    return type(message).__name__, message.sender, message.term, message.seqno
