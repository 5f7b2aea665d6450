"""The actions of a node, and the order in which they are taken: the drain."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, final

from raftbare.action import (
    SAVE_CURRENT_TERM,
    SAVE_VOTED_FOR,
    SET_ELECTION_TIMEOUT,
    Action,
    AppendLogEntries,
    BroadcastMessage,
    InstallSnapshot,
    SendMessage,
)
from raftbare.role import Candidate, Leader
from raftbare.rules import Rules


@final
class Actions:
    """The actions that a node owes, in the order in which they are to be executed.

    `for action in node.actions:` drains them.  Take an action only after the one before it has
    been executed, what it persists being durable: to ask for the next one is to say so.

    **A drain ends when one more action was asked for and there was none**: with the end of the
    loop, with `StopIteration`, or when `bool(node.actions)` is false.  Only then does a node know
    that its own vote, or its own copy of the log, is durable.  That may elect an only voter, commit
    entries, and owe further actions, which are taken before the drain ends.  So all of these change
    the node: they may begin a leadership, raise `commit_index`, append a configuration, and end the
    leadership of a removed leader.  `while node.actions: execute(next(node.actions))` is as good as
    the loop; but do not ask for `bool(node.actions)` between taking an action and executing it.

    The order: term and vote are durable before any message that rests on them leaves, entries
    before the reply that reports them.  A leader's calls do not rest on its own disk
    (dissertation, §10.2.1) and go before the write: the peers write while the leader does.  Those
    to single peers go first: the broadcast may follow on what they bring.
    """

    __slots__ = ("_node",)

    def __init__(self, node: Rules) -> None:
        self._node = node

    def __bool__(self) -> bool:
        """Whether there is one more action to take.

        To ask is to say, as the loop does, that the action before has been executed: where nothing
        else is owed, this ends the drain.  The cost is that of one step of the loop.
        """
        while self._node._pending.is_empty():
            if not self._end():
                return False
        return True

    def __iter__(self) -> Iterator[Action]:
        """Take the owed actions one by one, until there are none.

        An action is owed until it is taken, so a loop may be left and another one go on.  The first
        one is looked for anew each time: no message overtakes what it rests on, even where an input
        comes before the drain is over.

        Raises nothing.  Each action is O(1), but for these: `AppendLogEntries` O(log runs + runs
        written); a leader's `BroadcastMessage` O(log runs + runs sent), and O(members) more where
        it cannot carry all; `SendMessage` and `InstallSnapshot` O(log runs + runs sent + peers owed
        one); and the end of a drain O(log voters + log runs) of a leader, O(voters) of a candidate.
        """
        node = self._node
        pending = node._pending
        while True:
            if pending.set_election_timeout:
                pending.set_election_timeout = False
                yield SET_ELECTION_TIMEOUT
            elif pending.save_current_term:
                pending.save_current_term = False
                yield SAVE_CURRENT_TERM
            elif pending.save_voted_for:
                pending.save_voted_for = False
                yield SAVE_VOTED_FOR
            elif pending.calls:
                to = min(pending.calls)
                call = node._call_one(to)
                yield InstallSnapshot(to) if call is None else SendMessage(to, call)
            elif pending.broadcast:
                yield BroadcastMessage(node._call_all())
            elif pending.append_after is not None:
                after = pending.append_after
                pending.append_after = None
                yield AppendLogEntries(node._log.entries._after(after))
            elif pending.sends:
                if len(pending.sends) == 1:
                    to, message = pending.sends.popitem()
                else:
                    to = min(pending.sends)
                    message = pending.sends.pop(to)
                yield SendMessage(to, message)
            elif not self._end():
                return

    def _end(self) -> bool:
        """All that was owed has been executed.  Whether something came of that."""
        node = self._node
        role, last = node._role, node._log.entries.last_position
        if isinstance(role, Leader) and role.own.match_index < last.index:
            node._log_saved(role)
            return True
        return isinstance(role, Candidate) and node._vote_saved(role)

    def __next__(self) -> Action:
        """Take the next action.  Raises `StopIteration` where there is none: the drain has ended.

        The cost is that of one step of the loop.
        """
        for action in self:
            return action
        raise StopIteration

    def __reduce__(self) -> tuple[Callable[..., Actions], tuple[Rules]]:
        """A copy is of the node's copy; alone it is still the same node's."""
        return _actions_of, (self._node,)

    def __repr__(self) -> str:
        return f"Actions({self._node._pending!r})"


def _actions_of(node: Any) -> Actions:
    actions: Actions = node.actions
    return actions
