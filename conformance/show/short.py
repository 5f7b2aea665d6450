"""A run in short, for who sees it for the first time: who decided wrongly, what should have been
done, and what was lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from conformance.observe.show import show
from conformance.show import words
from conformance.show.expected import Expected, Row
from conformance.show.model import Moment, Picture, Wrong
from conformance.show.text import clean
from spec import values as v


class Answer(NamedTuple):
    """A question, what is to be said of it, and the place of the event that shows it."""

    question: str
    said: str
    place: int | None = None


WHO: Final = "Who decided wrongly"
SHOULD: Final = "What should have been done"
LOST: Final = "What was lost"

MOST: Final = 2
"""So many entries are named that were lost."""

MAY_BE: Final = {
    "call confirmed by a quorum": "but a read that waits for that call may be stale "
    "(dissertation, §6.4)"
}
"""What comes of it, where no log shows it."""

SAID: Final = {
    "role": ("it is", "a "),
    "term": ("it is in term", ""),
    "vote": ("it votes for", ""),
    "committed": ("it takes for committed what is up to index", ""),
    "log ends at": ("its log ends at", ""),
    "snapshot": ("its snapshot ends at", ""),
    "members": ("its members are", ""),
    "leader": ("its leader is", ""),
    "call confirmed by a quorum": ("the last call that a quorum confirms is", ""),
}
"""Parts of a state, for who does not know them: what is said before a value, and with each."""

POSITION: Final = re.compile(r"\bt(\d+)i(\d+)\b")

DECISION: Final = re.compile(r"(?:D\d|beyond D1 to D9) \(([^)]*)\)")
"""How an audit names a departure that it knows, and what that is in words."""


def in_short(picture: Picture, told: Expected | None, source: str = "") -> Iterator[Answer]:
    """Answers about the first thing that was wrong; none where nothing was.

    Where the records are not those of who is wrong, nothing can be said of it; where what is wrong
    is no server's, such as a figure beyond its bound, no more than what was lost.  `told`: what
    the specification makes of that event.  `source`: where the paper has what was broken.
    """
    first = picture.first_wrong
    if first is None or first.place is None or first.note:
        return
    if first.node is not None:
        yield from _decided(picture.moment(first.place), picture, first, told, source)
    losses = lost(picture)
    for one in losses[:MOST]:
        yield Answer(LOST, _loss(one), one.at)
    if not losses:
        differing = told.differing if told else ()
        consequences = [MAY_BE[row.part] for row in differing if row.part in MAY_BE]
        nothing = "nothing that was committed, as far as this is recorded"
        yield Answer(LOST, "; ".join([nothing, *consequences]))


def decision(departure: Wrong) -> str:
    """A departure that an audit has a name for, in words; nothing for others."""
    named = DECISION.match(departure.detail)
    return f"by a rule of its own: {named[1]}" if named else ""


def _decided(
    moment: Moment, picture: Picture, first: Wrong, told: Expected | None, source: str
) -> Iterator[Answer]:
    """Who decided wrongly, and what should have been done."""
    rule = _rule(moment, picture, told) if told else None
    broken = rule.broken if rule else ""
    why = [broken, decision(first)] if first.departure else [first.detail]
    who = f"server {moment.node}, {_was(moment)}{_when(moment, picture)}"
    yield Answer(
        WHO, clean(": ".join(filter(None, [who, ", ".join(filter(None, why))]))), first.place
    )
    should = "; ".join(_should(told.rows if told else (), rule))
    if should or source:
        said = should or f"what the paper says in {source}"
        where = f" ({source})" if should and source and not rule else ""
        yield Answer(SHOULD, said + where, first.place)


def _was(moment: Moment) -> str:
    """What the server was when it happened."""
    before = moment.before
    if before is None or isinstance(moment.record.event, v.Restart):
        return ""
    return f"{before.role} in term {before.current_term}, "


def _when(moment: Moment, picture: Picture) -> str:
    """What happened to the server, without signs."""
    event = moment.record.event
    message = event.message if isinstance(event, v.Receive) else None
    match message:
        case v.RequestVoteCall(sender, term, _, last):
            own = moment.before.last_position if moment.before is not None else v.ZERO
            logs = f"log up to {show(last)}, its own up to {show(own)}"
            return _spelt(f"asked by {sender} for its vote in term {term} ({logs})")
        case v.RequestVoteReply(sender, term, vote_granted=granted):
            said = "grants" if granted else "refuses"
            return f"gets a reply of term {term} from {sender}, which {said} it a vote"
        case v.AppendEntriesCall(sender, term, _, _, prev, entries):
            what = {0: "without entries", 1: "with an entry"}.get(
                len(entries), f"with {len(entries)} entries"
            )
            return _spelt(f"called by {sender} in term {term}, {what} after {show(prev)}")
        case v.AppendEntriesReply(sender, term, seqno, _, accepted):
            said = "accepts" if accepted else "refuses"
            return f"gets a reply of term {term} from {sender}, which {said} call #{seqno}"
    return f"at event {moment.place}: {words.event(moment, picture)}"


def _should(rows: Sequence[Row], rule: _Rule | None) -> Iterator[str]:
    """What the specification does with the event, in words: by which rule, what it comes to, and,
    where there is no rule to tell, what it does.
    """
    differing = [row for row in rows if row.differs]
    if any(row.part == "outcome" and row.specified == "refused" for row in differing):
        yield "it refuses this, and stays as it is"
        return
    if any(row.part == "outcome" and row.found == "refused" for row in differing):
        yield "it does this, and does not refuse it"
    if rule:
        yield f"{rule.said} ({rule.source})"
    for row in differing:
        if row.part not in ("action", "outcome", rule and rule.part):
            said, noun = SAID.get(row.part, (row.part, ""))
            yield _spelt(f"{said} {noun}{row.specified}, not {noun}{row.found}")
    if not rule:
        yield from _done(rows, [row for row in differing if row.part == "action"])


def _done(rows: Sequence[Row], differing: Sequence[Row]) -> Iterator[str]:
    """By actions: which are to be done in another order, which were left out, and which are none
    of the specification's.
    """
    missed = [row.specified for row in differing if row.specified != "nothing"]
    wrongly = [row.found for row in differing if row.found != "nothing"]
    for one in [one for one in missed if one in wrongly]:
        missed.remove(one)
        wrongly.remove(one)
        yield _in_order(one, rows)
    if missed:
        yield "it " + ", ".join(missed)
    if wrongly:
        yield "it does none of these: " + ", ".join(wrongly)


def _spelt(text: str) -> str:
    """Positions as words have them."""
    return POSITION.sub(r"index \2 of term \1", text)


def _in_order(moved: str, rows: Sequence[Row]) -> str:
    """An action that is done at another place: what it has to stand before, or after."""
    specified = [row.specified for row in rows if row.part == "action"]
    found = [row.found for row in rows if row.part == "action"]
    at, was = specified.index(moved), found.index(moved)
    overtaken = [one for one in specified[at + 1 :] if one in found[:was] and one != "nothing"]
    if overtaken:
        return f"it {moved} before it {overtaken[0]}"
    earlier = [one for one in specified[:at] if one in found[was:] and one != "nothing"]
    return f"it {earlier[-1]} before it {moved}" if earlier else f"it {moved} in its place"


# The rule that was broken


class _Rule(NamedTuple):
    """What a server has to do and why; what it does in its place; where the paper has it; and the
    part of its state that this tells of.
    """

    said: str
    broken: str
    source: str
    part: str = ""


def _rule(moment: Moment, picture: Picture, told: Expected) -> _Rule | None:
    """The rule for a message that decides how the event has to end, where another end was found."""
    event, own = moment.record.event, moment.before
    if own is None or not isinstance(event, v.Receive) or not told.differing:
        return None
    message, found = event.message, moment.record.state
    mine = f"which is older than its own term {own.current_term}"
    if message.term > own.current_term and told.node.current_term > found.current_term:
        newer = f"it moves to term {message.term}, which is newer than its own {own.current_term}"
        return _Rule(newer, f"stays in term {own.current_term}", "§5.1", "term")
    match message:
        case v.RequestVoteCall():
            return _vote(message, moment, told)
        case v.AppendEntriesCall():
            taken = _accepted(moment.record.actions)
            obeyed = found != own if taken is None else taken
            if message.term < own.current_term:
                said = f"it refuses the call, of term {message.term}, {mine}"
                return _Rule(said, "obeys it", "§5.1") if obeyed else None
            return _entries(message, moment, picture, told)
        case _ if message.term < own.current_term:
            said = f"it ignores the reply, of term {message.term}, {mine}"
            return _Rule(said, "heeds it", "§5.1")
    return None


def _vote(call: v.RequestVoteCall, moment: Moment, told: Expected) -> _Rule | None:
    """Whether it votes for who asks."""
    own, found = moment.before, moment.record.state
    assert own is not None
    wanted = call.term, call.sender
    votes = (found.current_term, found.voted_for) == wanted
    if ((told.node.current_term, told.node.voted_for) == wanted) == votes:
        return None
    source, asked, last = "§5.4.1", call.last_position, own.last_position
    if call.term < own.current_term:
        source, why = "§5.1", f"term {call.term} is older than its own {own.current_term}"
    elif votes and call.term == own.current_term and own.voted_for is not None:
        source, why = "§5.2", f"it has voted for {own.voted_for} in this term"
    elif votes and asked.term == last.term:
        why = f"its own log ends in the same term, and has more entries, {last.index}"
    elif votes:
        why = f"its own log ends in term {last.term}, which is newer than term {asked.term}"
    elif asked.term == last.term:
        why = "the candidate's log ends in the same term as its own, and is not shorter"
    else:
        why = f"the candidate's log ends in term {asked.term}, newer than its own term {last.term}"
    if votes:
        return _Rule(f"it refuses the vote: {why}", "grants it", source, "vote")
    return _Rule(f"it grants the vote: {why}", "refuses it", source, "vote")


def _entries(
    call: v.AppendEntriesCall, moment: Moment, picture: Picture, told: Expected
) -> _Rule | None:
    """Whether it takes entries: what they come after has to be in its log."""
    taken, right = _accepted(moment.record.actions), _accepted(told.actions)
    if moment.previous is None or None in (taken, right) or taken == right:
        return None
    log, prev = picture.moment(moment.previous).disk.log, call.prev_position
    known = log.snapshot_position.index <= prev.index <= log.last_index
    has = known and log.position(prev.index) == prev
    if has != right or prev == v.ZERO:
        return None
    what = _spelt(f"{show(prev)}, after which the entries come")
    if right:
        return _Rule(f"it accepts the call: its log has {what}", "refuses it", "§5.3")
    return _Rule(f"it refuses the call: its log does not have {what}", "accepts it", "§5.3")


def _accepted(actions: Sequence[v.Action] | None) -> bool | None:
    """What a reply says to a call; None without one."""
    for one in actions or ():
        if isinstance(one, v.SendMessage) and isinstance(one.message, v.AppendEntriesReply):
            return one.message.accepted
    return None


# What was lost


@dataclass(frozen=True, slots=True)
class Lost:
    """An entry that a server knew to be committed, and what became of it.

    `since`: the event in which one first knew.  `other`: what is committed in its place from the
    event `at` on; None: there it is removed from a disk.
    """

    index: v.Index
    entry: v.Entry
    since: int
    at: int
    other: v.Entry | None


def lost(picture: Picture) -> list[Lost]:
    """What was committed, and is committed otherwise elsewhere, or removed; by index.

    Costs as much as the logs are long, and what is written again.
    """
    known: dict[v.Index, tuple[v.Entry, int]] = {}
    found: dict[v.Index, Lost] = {}
    for moment in picture.moments:
        removed = _removed(moment, picture)
        for index in removed:
            if index in known and index not in found:
                found[index] = Lost(index, *known[index], moment.place, None)
        for index in _committed(moment, picture, removed):
            entry = moment.disk.log.entry(index)
            first, since = known.setdefault(index, (entry, moment.place))
            if first.term != entry.term and (index not in found or found[index].other is None):
                found[index] = Lost(index, first, since, moment.place, entry)
    return [found[index] for index in sorted(found)]


def _removed(moment: Moment, picture: Picture) -> list[v.Index]:
    """The entries that the server knew to be committed, and that its writes have replaced."""
    writes = [one for one in moment.record.actions or () if isinstance(one, v.AppendLogEntries)]
    if not writes or moment.before is None or moment.previous is None:
        return []
    old, log = picture.moment(moment.previous).disk.log, moment.disk.log
    first = min(one.prev_position.index for one in writes)
    first = max(first, old.snapshot_position.index, log.snapshot_position.index) + 1
    last = min(moment.before.commit_index, old.last_index)
    return [
        index
        for index in range(first, last + 1)
        if index > log.last_index or log.entry(index).term != old.entry(index).term
    ]


def _committed(moment: Moment, picture: Picture, removed: Sequence[v.Index]) -> range:
    """The entries on the disk that the server knows to be committed, and did not before."""
    log, before = moment.disk.log, 0
    if moment.before is not None and moment.previous is not None:
        known = picture.moment(moment.previous).disk.log.last_index
        before = min([moment.before.commit_index, known, *(index - 1 for index in removed[:1])])
    first = max(before, log.snapshot_position.index) + 1
    return range(first, min(moment.record.state.commit_index, log.last_index) + 1)


def _loss(one: Lost) -> str:
    what = f"index {one.index}: {_entry(one.entry)}, which was committed in event {one.since}"
    if one.other is None:
        return f"{what}, is removed from a disk"
    return f"{what}; now {_entry(one.other)} is committed in its place"


def _entry(one: v.Entry) -> str:
    """An entry without signs."""
    if isinstance(one.payload, v.Config):
        return f"the membership {words.config(one.payload)} of term {one.term}"
    if one.payload == v.TERM:
        return f"the entry that opens term {one.term}"
    return f"a command of term {one.term}"
