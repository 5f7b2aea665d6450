"""Healthy recordings with one thing edited: what a broken implementation might have recorded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final, TypeAlias

from conformance.observe.recorded import Recorded
from spec import values as v

Edit: TypeAlias = Callable[[Recorded, Recorded | None], Recorded | None]
"""What becomes of a record, given the node's record before; None: it cannot be edited so."""


def _state(record: Recorded, **changes: Any) -> Recorded:
    return replace(record, state=record.state._replace(**changes))


def _event(record: Recorded, event: v.Event) -> Recorded:
    return replace(record, event=event)


def _action(
    record: Recorded, kind: type, change: Callable[[v.Action], v.Action | None]
) -> Recorded | None:
    """The first action of a kind that can be changed; a change to None leaves it out."""
    actions = list(record.actions or ())
    for at, action in enumerate(actions):
        if isinstance(action, kind) and (changed := change(action)) != action:
            actions[at : at + 1] = [] if changed is None else [changed]
            return replace(record, actions=tuple(actions))
    return None


def _sent(record: Recorded, change: Callable[[v.Message], v.Message]) -> Recorded | None:
    def changed(action: v.Action) -> v.Action:
        assert isinstance(action, v.SendMessage)
        return replace(action, message=change(action.message))

    return _action(record, v.SendMessage, changed)


def vote_given_twice(record: Recorded, before: Recorded | None) -> Recorded | None:
    match record.event:
        case v.Receive(v.RequestVoteCall(candidate)) if record.state.voted_for not in (
            None,
            candidate,
        ):
            return _sent(record, _granted)
    return None


def _granted(message: v.Message) -> v.Message:
    if isinstance(message, v.RequestVoteReply):
        return replace(message, vote_granted=True)
    return message


def vote_never_saved(record: Recorded, before: Recorded | None) -> Recorded | None:
    told = any(
        isinstance(action, v.SendMessage)
        and isinstance(action.message, v.RequestVoteReply)
        and action.message.vote_granted
        for action in record.actions or ()
    )
    if before is None or before.state.voted_for == record.state.voted_for:
        return None  # the disk has that vote, from an earlier term
    return _action(record, v.SaveVotedFor, lambda _: None) if told else None


def vote_goes_elsewhere(record: Recorded, before: Recorded | None) -> Recorded | None:
    if record.state.voted_for is None or record.actions is None or record.state.role == "follower":
        return None
    return _state(record, voted_for=record.state.voted_for + 1)


def vote_not_received(record: Recorded, before: Recorded | None) -> Recorded | None:
    match record.event:
        case v.Receive(v.RequestVoteReply()) if _became_leader(record, before):
            return _event(record, v.ElectionTimeout())
    return None


def refusal_counted(record: Recorded, before: Recorded | None) -> Recorded | None:
    match record.event:
        case v.Receive(v.RequestVoteReply() as reply) if _became_leader(record, before):
            return _event(record, v.Receive(replace(reply, vote_granted=False)))
    return None


def _became_leader(record: Recorded, before: Recorded | None) -> bool:
    return record.state.role == "leader" and (before is None or before.state.role != "leader")


def leader_without_election(record: Recorded, before: Recorded | None) -> Recorded | None:
    state = record.state
    if state.role != "follower" or not state.config.voters or not state.current_term:
        return None
    if state.voted_for == record.node or len(state.config.voters) == 1:
        return None  # it may have been elected before
    return _state(record, role="leader")


def acknowledgement_removed(record: Recorded, before: Recorded | None) -> Recorded | None:
    match record.event:
        case v.Receive(v.AppendEntriesReply()) if _commits(record, before):
            return replace(record, event=v.ProposeCommand(), outcome=None)
    return None


def acknowledgement_of_less(record: Recorded, before: Recorded | None) -> Recorded | None:
    match record.event:
        case v.Receive(v.AppendEntriesReply() as reply) if _commits(record, before):
            return _event(record, v.Receive(replace(reply, last_position=v.ZERO)))
    return None


def _commits(record: Recorded, before: Recorded | None) -> bool:
    return before is not None and record.state.commit_index > before.state.commit_index


def commit_early(record: Recorded, before: Recorded | None) -> Recorded | None:
    state = record.state
    if state.role != "leader" or state.commit_index >= state.last_position.index:
        return None
    return _state(record, commit_index=state.last_position.index)


def follower_commits_early(record: Recorded, before: Recorded | None) -> Recorded | None:
    state = record.state
    if state.role != "follower" or state.commit_index >= state.last_position.index:
        return None
    return _state(record, commit_index=state.last_position.index)


def commit_beyond_log(record: Recorded, before: Recorded | None) -> Recorded | None:
    return _state(record, commit_index=record.state.last_position.index + 2)


def commit_falls(record: Recorded, before: Recorded | None) -> Recorded | None:
    if before is None or isinstance(record.event, v.Restart) or not before.state.commit_index:
        return None
    return _state(record, commit_index=before.state.commit_index - 1)


def term_falls(record: Recorded, before: Recorded | None) -> Recorded | None:
    if before is None or isinstance(record.event, v.Restart) or not before.state.current_term:
        return None
    return _state(record, current_term=before.state.current_term - 1)


def term_never_saved(record: Recorded, before: Recorded | None) -> Recorded | None:
    sends = any(isinstance(a, (v.SendMessage, v.BroadcastMessage)) for a in record.actions or ())
    return _action(record, v.SaveCurrentTerm, lambda _: None) if sends else None


def entry_changed(record: Recorded, before: Recorded | None) -> Recorded | None:
    def change(action: v.Action) -> v.Action:
        assert isinstance(action, v.AppendLogEntries)
        if not action.entries or action.entries[-1].payload != v.COMMAND:
            return action
        other = v.Entry(action.entries[-1].term, v.TERM)
        return replace(action, entries=(*tuple(action.entries)[:-1], other))

    return _action(record, v.AppendLogEntries, change)


def entry_of_another_term(record: Recorded, before: Recorded | None) -> Recorded | None:
    def change(action: v.Action) -> v.Action:
        assert isinstance(action, v.AppendLogEntries)
        if not action.entries:
            return action
        last = action.entries[-1]
        return replace(
            action,
            entries=(*tuple(action.entries)[:-1], last._replace(term=last.term + 1)),
        )

    return _action(record, v.AppendLogEntries, change)


def write_forgotten(record: Recorded, before: Recorded | None) -> Recorded | None:
    told = any(
        isinstance(action, v.SendMessage)
        and isinstance(action.message, v.AppendEntriesReply)
        and action.message.last_position == record.state.last_position
        for action in record.actions or ()
    )
    if not told:
        return None
    return _action(record, v.AppendLogEntries, lambda a: None if getattr(a, "entries", ()) else a)


def acknowledgement_of_more(record: Recorded, before: Recorded | None) -> Recorded | None:
    def more(message: v.Message) -> v.Message:
        if not isinstance(message, v.AppendEntriesReply):
            return message
        last = message.last_position
        return replace(message, last_position=last._replace(index=last.index + 1))

    return _sent(record, more)


def message_invented(record: Recorded, before: Recorded | None) -> Recorded | None:
    match record.event:
        case v.Receive(v.AppendEntriesCall() as call):
            return _event(record, v.Receive(replace(call, commit_index=call.commit_index + 1)))
        case v.Receive(v.AppendEntriesReply(last_position=last) as reply):
            last = last._replace(index=last.index + 1)
            return _event(record, v.Receive(replace(reply, last_position=last)))
    return None


def snapshot_too_far(record: Recorded, before: Recorded | None) -> Recorded | None:
    match record.event:
        case v.SnapshotInstalled(position) as installed if record.outcome is True:
            further = position._replace(index=position.index + 3)
            return _event(record, replace(installed, position=further))
    return None


def snapshot_of_another_term(record: Recorded, before: Recorded | None) -> Recorded | None:
    match record.event:
        case v.SnapshotInstalled(position) as installed if record.outcome is True:
            other = position._replace(term=position.term + 1)
            return _event(record, replace(installed, position=other))
    return None


def vote_lost_in_restart(record: Recorded, before: Recorded | None) -> Recorded | None:
    match record.event:
        case v.Restart(voted_for=vote) as restart if vote is not None and before is not None:
            return _state(_event(record, replace(restart, voted_for=None)), voted_for=None)
    return None


def entry_lost_in_restart(record: Recorded, before: Recorded | None) -> Recorded | None:
    match record.event:
        case v.Restart(log=log) as restart if log.entries and before is not None:
            shorter = log.truncated(log.last_index - 1)
            edited = _event(record, replace(restart, log=shorter))
            shown = {"last_position": shorter.last_position, "config": shorter.config}
            return _state(edited, **shown)
    return None


def other_configuration(record: Recorded, before: Recorded | None) -> Recorded | None:
    state = record.state
    if record.actions is None or not state.config.voters:
        return None
    return _state(record, config=v.Config(state.config.voters | {99}))


def log_shortened(record: Recorded, before: Recorded | None) -> Recorded | None:
    state = record.state
    if before is None or not 0 < state.commit_index == state.last_position.index:
        return None
    if state.snapshot_position.index >= state.commit_index - 1 or record.actions is None:
        return None
    shorter = v.Position(state.last_position.term, state.last_position.index - 1)
    return _state(record, last_position=shorter)


EDITS: Final[dict[str, Edit]] = {
    edit.__name__: edit
    for edit in (
        vote_given_twice,
        vote_never_saved,
        vote_goes_elsewhere,
        vote_not_received,
        refusal_counted,
        leader_without_election,
        acknowledgement_removed,
        acknowledgement_of_less,
        commit_early,
        follower_commits_early,
        commit_beyond_log,
        commit_falls,
        term_falls,
        term_never_saved,
        entry_changed,
        entry_of_another_term,
        write_forgotten,
        acknowledgement_of_more,
        message_invented,
        snapshot_too_far,
        snapshot_of_another_term,
        vote_lost_in_restart,
        entry_lost_in_restart,
        other_configuration,
        log_shortened,
    )
}
