"""Values of the specification as people write them down: t3i7 is index 7 in term 3."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from spec import values as v
from spec.cluster import Member
from spec.pending import Pending


def show(value: object) -> str:
    """A value of the specification as people write it down: t3i7 is index 7 in term 3."""
    match value:
        case v.Position():
            return f"t{value.term}i{value.index}"
        case v.Config(voters, new_voters, non_voters):
            parts = [_ids(voters)]
            if new_voters:
                parts.append("-> " + _ids(new_voters))
            if non_voters:
                parts.append("non-voters " + _ids(non_voters))
            return " ".join(parts)
        case v.BroadcastMessage(message, to):
            return f"broadcast to {', '.join(map(str, to)) or 'nobody'}: {show(message)}"
        case v.SendMessage(to, message):
            return f"send to {to}: {show(message)}"
        case v.AppendLogEntries(prev_position, entries):
            return f"append after {show(prev_position)}: {show_entries(entries)}"
        case v.AppendEntriesCall(sender, term, seqno, commit_index, prev_position, entries):
            return (
                f"AppendEntriesCall(from {sender}, term {term}, seqno {seqno}, commit "
                f"{commit_index}, after {show(prev_position)}: {show_entries(entries)})"
            )
        case v.RequestVoteCall(sender, term, seqno, last_position, transfer):
            wanted = ", wanted by the leader" if transfer else ""
            return (
                f"RequestVoteCall(sender {sender}, term {term}, seqno {seqno}, last_position "
                f"{show(last_position)}{wanted})"
            )
        case v.Receive(message):
            return show(message)
        case v.Start(limits) if limits == v.LIMITS:
            return "Start"
        case v.Limits():
            return ", ".join(f"{name} {limit}" for name, limit in value._asdict().items())
        case frozenset():
            return _ids(value)
        case tuple() if not hasattr(value, "_fields"):
            return "\n".join(show(item) for item in value) or "nothing"
    fields = getattr(value, "__match_args__", None)
    if fields is None:
        return str(value)
    shown = ", ".join(f"{name} {show(getattr(value, name))}" for name in fields)
    return f"{type(value).__name__}({shown})" if shown else type(value).__name__


FIELDS: Final = {
    "current_term": "term",
    "voted_for": "vote",
    "commit_index": "committed",
    "last_position": "log ends at",
    "snapshot_position": "snapshot",
    "config": "members",
    "confirmed": "call confirmed by a quorum",
}
"""What fields of a node's state are called for people, where it is not by their names."""


def show_field(name: str, value: object) -> str:
    """An outcome, or a field of a node's state: no `None` for nobody, no `False` for refused."""
    match name, value:
        case "outcome", False:
            return "refused"
        case "outcome", v.Refused(reason):
            return f"refused ({reason})"
        case "outcome", True:
            return "accepted"
        case "outcome", v.Position():
            return f"accepted at {show(value)}"
        case "outcome", v.Called(seqno):
            return f"call #{seqno}"
        case "confirmed", int(seqno):
            return f"#{seqno}" if seqno else "none"
        case "voted_for" | "leader", None:
            return "nobody"
        case _, None:
            return "none"
    return show(value)


def show_name(field: str) -> str:
    """What an outcome, or a field of a node's state, is called for people."""
    return FIELDS.get(field, field)


def show_unlike(field: str, specified: object, found: object) -> str:
    """Two values of an outcome, or of a field of a node's state, that should be the same."""
    said = f"specified {show_field(field, specified)}, found {show_field(field, found)}"
    return f"{show_name(field)}: {said}"


def show_entries(entries: v.Entries) -> str:
    def payload(entry: v.Entry) -> str:
        return show(entry.payload) if isinstance(entry.payload, v.Config) else entry.payload

    shown = [f"{payload(entry)}@{entry.term}" for entry in entries]
    if len(shown) > 6:
        shown = [*shown[:3], f"... {len(shown) - 5} more", *shown[-2:]]
    return "[" + ", ".join(shown) + "]"


def _ids(nodes: Iterable[int]) -> str:
    return "{" + ",".join(map(str, sorted(nodes))) + "}"


def describe_server(member: Member) -> str:
    node = member.node
    vote = "no vote given" if node.voted_for is None else f"vote for {node.voted_for}"
    return (
        f"{role_of(member)} in term {node.current_term}, {vote}, log {describe_log(node.log)}, "
        f"committed {node.commit_index}"
    )


def parts_of(member: Member) -> dict[str, str]:
    """A server part by part, each in a few words: what it is in memory, on its disk, and owes."""
    node, disk = member.node, member.disk
    parts = {
        "role": role_of(member),
        "term": str(node.current_term),
        "vote": "nobody" if node.voted_for is None else str(node.voted_for),
        "log": describe_log(node.log),
        "committed": str(node.commit_index),
        "members": show(node.config),
        "disk: term": str(disk.current_term),
        "disk: vote": "nobody" if disk.voted_for is None else str(disk.voted_for),
        "disk: log": describe_log(disk.log),
        "owes": describe_owed(member.pending) or "nothing",
    }
    if isinstance(node.role, v.Leader):
        parts |= {f"of {peer.node} it knows": _progress(peer) for peer in node.role.peers}
    return parts if member.up else {"down": "yes"} | parts


def _progress(peer: v.Progress) -> str:
    following = "all is sent" if peer.next is None else f"next {peer.next}"
    return f"match {peer.match}, {following}" + (", probing" if peer.probing else "")


def describe_owed(pending: Pending) -> str:
    """What is owed, by the names that it has in the specification; empty if that is nothing."""
    parts = [
        f"{name} {'' if value is True else show(value)}".strip()
        for name, value in pending._asdict().items()
        if value not in (False, None, ())
    ]
    return ", ".join(part.replace("\n", ", ") for part in parts)


def role_of(member: Member) -> str:
    match member.node.role:
        case v.Follower(None):
            return "follower"
        case v.Follower(leader):
            return f"follower of {leader}"
        case v.Candidate(granted):
            return f"candidate with votes of {show(granted)}"
        case v.Leader(transfer=None):
            return "leader"
        case v.Leader(transfer=to):
            return f"leader that hands over to {to}"


def describe_log(log: v.Log) -> str:
    start = log.snapshot_position
    prefix = f"{show(start)}.." if start.index else ""
    return prefix + show_entries(log.entries)
