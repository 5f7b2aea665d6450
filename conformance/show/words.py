"""Events, messages and actions in a few words each, as all views write them.

RV is RequestVote, AE AppendEntries, IS InstallSnapshot, with + or - for a reply that grants or
accepts, or does not.  t2i5 is index 5 in term 2.
"""

from __future__ import annotations

from conformance.observe.observed import Checkpoint
from conformance.observe.recorded import Recorded
from conformance.observe.show import show
from conformance.show.model import Moment, Picture, Sending
from spec import values as v
from spec.cluster import Snapshot

FATES = {"lost": "x", "late": "~", "repeated": "=", "unrecorded": "?"}
"""What is written behind a receiver, if the message did not simply arrive."""


def name(content: v.Message | Snapshot) -> str:
    """What kind of message it is, and what a reply says."""
    match content:
        case v.RequestVoteCall():
            return "RV"
        case v.RequestVoteReply(vote_granted=granted):
            return "RV+" if granted else "RV-"
        case v.AppendEntriesCall():
            return "AE"
        case v.AppendEntriesReply(accepted=accepted):
            return "AE+" if accepted else "AE-"
        case Snapshot():
            return "IS"


def message(content: v.Message | Snapshot) -> str:
    """All of a message but who sends it to whom."""
    if isinstance(content, Snapshot):
        return f"IS {show(content.position)}"
    start = f"{name(content)}#{content.seqno} t{content.term}"
    match content:
        case v.RequestVoteCall(last_position=last, transfer=transfer):
            return f"{start} last {show(last)}" + (" for transfer" if transfer else "")
        case v.AppendEntriesCall(commit_index=commit, prev_position=prev, entries=entries):
            return f"{start} after {show(prev)} {carried(entries)} commit {commit}"
        case v.AppendEntriesReply(last_position=last):
            return f"{start} last {show(last)}"
    return start


def carried(entries: v.Entries) -> str:
    """So many entries; of a few, the terms and what they hold."""
    if len(entries) > 3:
        return f"+{len(entries)}"
    return "[" + " ".join(map(entry, entries)) + "]"


def entry(one: v.Entry) -> str:
    """An entry by its term: c is a command, T opens a term, a membership is written out."""
    if isinstance(one.payload, v.Config):
        return f"{one.term}{config(one.payload)}"
    return f"{one.term}{'T' if one.payload == v.TERM else 'c'}"


def payload(one: v.Entry) -> str:
    """What an entry holds."""
    return config(one.payload) if isinstance(one.payload, v.Config) else one.payload


def config(members: v.Config) -> str:
    return show(members).replace(" -> ", "->").replace(" non-voters ", "+")


GLYPHS: dict[type, str] = {
    v.Start: "*",
    v.Restart: "^",
    Checkpoint: "=",
    v.Receive: "<",
    v.ElectionTimeout: "!",
    v.TimeoutNow: "!",
    v.Heartbeat: "~",
    v.CreateCluster: "+",
    v.ProposeCommand: "+",
    v.ProposeConfig: "+",
    v.SnapshotInstalled: "@",
    v.StepDown: "-",
    v.TransferLeadership: "-",
    v.CancelTransfer: "-",
}
"""A character for each kind of event."""


def event(moment: Moment, picture: Picture) -> str:
    """What happened, and what the caller was told."""
    happened = moment.record.event
    match happened:
        case v.Receive(content):
            return f"{message(content)} from {_sender(moment, picture)}"
        case v.Start():
            return "starts"
        case v.Restart(term, vote, log):
            voted = "" if vote is None else f", vote {vote}"
            return f"restarts with term {term}{voted}, log up to {show(log.last_position)}"
        case Checkpoint():
            return "checkpoint"
        case v.CreateCluster(voters):
            return f"founds {show(voters)}" + _told(moment)
        case v.ProposeCommand():
            return "command" + _told(moment)
        case v.ProposeConfig(members):
            return f"membership {config(members)}" + _told(moment)
        case v.Heartbeat():
            return "heartbeat" + _refused(moment)
        case v.ElectionTimeout():
            return "timer runs out"
        case v.TimeoutNow(term):
            return f"is to campaign, says the leader of term {term}"
        case v.StepDown():
            return "steps down" + _refused(moment)
        case v.TransferLeadership(to):
            return f"hands over to {to}" + _refused(moment)
        case v.CancelTransfer():
            return "hands over no more" + _refused(moment)
        case v.SnapshotInstalled(position):
            return f"snapshot {show(position)}{_origin(moment, picture)}" + _refused(moment)


def kind(record: Recorded) -> str:
    """The name of what happened, as the specification has it."""
    if isinstance(record.event, v.Receive):
        return type(record.event.message).__name__
    return type(record.event).__name__


def _sender(moment: Moment, picture: Picture) -> str:
    sending = _received(moment, picture)
    assert sending is not None
    marks = {"unsent": " (not sent by what is recorded)", "late": " (late)"}
    again = " (again)" if sending.received[0] != moment.place else ""
    return f"{sending.sender}{marks.get(sending.fate, '')}{again}"


def _origin(moment: Moment, picture: Picture) -> str:
    sending = _received(moment, picture)
    return " of its own" if sending is None else f" from {sending.sender}"


def _received(moment: Moment, picture: Picture) -> Sending | None:
    return None if moment.received is None else picture.sendings[moment.received]


def _told(moment: Moment) -> str:
    outcome = moment.record.outcome
    return f" at {show(outcome)}" if isinstance(outcome, v.Position) else ": refused"


def _refused(moment: Moment) -> str:
    outcome = moment.record.outcome
    return ": refused" if outcome is False or isinstance(outcome, v.Refused) else ""


PENDING = "(actions pending)"
"""In the place of what was executed, where nothing was: what the server owes still waits."""


def actions(moment: Moment, picture: Picture) -> list[str]:
    """What was executed, in order; timers are left out."""
    if moment.record.actions is None:
        return [PENDING]
    said: list[str] = []
    numbers = iter(moment.sent)
    last = 0 if moment.previous is None else picture.moment(moment.previous).disk.log.last_index
    for one in moment.record.actions:
        match one:
            case v.SetElectionTimeout():
                continue
            case v.SaveCurrentTerm() | v.SaveVotedFor():
                said.append(action(one))
            case v.AppendLogEntries(prev, entries):
                dropped = last - prev.index
                drops = f", dropping {dropped}" if dropped > 0 else ""
                said.append(f"writes {carried(entries)} after {show(prev)}{drops}")
                last = prev.index + len(entries)
            case v.BroadcastMessage(content, to):
                sendings = [picture.sendings[next(numbers)] for _ in to]
                said.append(f"> {receivers(sendings)} {message(content)}")
            case v.SendMessage(_, content):
                said.append(f"> {receivers([picture.sendings[next(numbers)]])} {message(content)}")
            case v.InstallSnapshot():
                sending = picture.sendings[next(numbers)]
                said.append(f"> {receivers([sending])} {message(sending.content)}")
    return said


def action(one: v.Action) -> str:
    """An action by itself, timers too."""
    match one:
        case v.SetElectionTimeout():
            return "sets its timer"
        case v.SaveCurrentTerm(term):
            return f"saves term {term}"
        case v.SaveVotedFor(vote):
            return "saves no vote" if vote is None else f"saves vote {vote}"
        case v.AppendLogEntries(prev, entries):
            return f"writes {carried(entries)} after {show(prev)}"
        case v.BroadcastMessage(content, to):
            return f"sends {message(content)} to {','.join(map(str, to)) or 'nobody'}"
        case v.SendMessage(to, v.RequestVoteReply(vote_granted=granted) as content):
            return f"{'grants' if granted else 'refuses'} {to} its vote: {message(content)}"
        case v.SendMessage(to, content):
            return f"sends {message(content)} to {to}"
        case v.InstallSnapshot(to):
            return f"sends its snapshot to {to}"


def receivers(sendings: list[Sending]) -> str:
    return ",".join(f"{one.to}{FATES.get(one.fate, '')}" for one in sendings) or "nobody"


def changes(moment: Moment) -> list[str]:
    """What is otherwise than before, of what everyone looks for first."""
    old, new = moment.before, moment.record.state
    if old is None or isinstance(moment.record.event, v.Restart):
        return []  # a restart says itself what it comes up with
    said = []
    if new.role != old.role:
        said.append({"leader": "leads", "follower": "follows", "candidate": "campaigns"}[new.role])
    if new.commit_index != old.commit_index:
        said.append(f"commits up to {new.commit_index}")
    if new.last_position.index < old.last_position.index:
        said.append(f"its log now ends at {show(new.last_position)}")
    if new.config != old.config:
        said.append(f"members {config(new.config)}")
    return said
