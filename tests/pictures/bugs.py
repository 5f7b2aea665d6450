"""The bugs that the documents show, each as a picture with three sentences.

Numbers in brackets are those of events in the picture.
"""

from __future__ import annotations

from typing import Final

from spec import values as v
from tests.pictures.wrong import Bug

FOUNDED: Final = 22
"""The first event after `begin`."""

TAKEN_BACK: Final = (
    Bug(
        "D1",
        "a vote by the index alone",
        "Server 2 votes for server 0, whose log is longer (33), though it ends in an earlier term.",
        "Server 0 leads without index 3 of term 2, which is committed (28), and commits another "
        "entry in its place (38).",
        "The later last term wins, and only among equal terms the longer log: server 2 has to "
        "refuse (§5.4.1).",
        """
begin 3
command 0
command 0
lose all
timeout 1
lose 1 0
exchange 1 2
lose 1 0
exchange 1 2
lose all
heartbeat 0
exchange 0 2
lose all
timeout 0
lose 0 1
exchange 0 2
lose 0 1
exchange 0 2
exchange 0 2
""",
    ),
    Bug(
        "D2",
        "a candidate that follows no leader of its term",
        "Server 2 campaigns in term 2, and does not follow server 1, which has won that term (27).",
        "It takes no entries, and its next campaign deposes a healthy leader (28, 29).",
        "Who hears of the leader of its term follows it, whoever had the vote (§5.2).",
        """
begin 3
timeout 1
timeout 2
exchange 1 0
deliver 1 2
deliver 1 2
lose all
timeout 2
deliver 2 1
""",
    ),
    Bug(
        "D3",
        "a removed leader that forgets its vote",
        "Server 0 is removed, steps down once that is committed, and forgets whom it voted for in "
        "term 1 (30).",
        "It could vote once more in term 1, and with such votes a term could have two leaders.",
        "A vote is for all of a term: only a later term clears it (Figure 2, votedFor).",
        """
begin 3
members 0 0 1 2 -> 1 2
exchange 0 1
exchange 0 2
deliver all
""",
    ),
    Bug(
        "D4",
        "a commit index behind the snapshot",
        "Server 2 installs a snapshot that ends with index 4, and still knows nothing to be "
        "committed (33).",
        "It has the state of four entries, of which it says that none may be applied.",
        "What a snapshot holds is committed: the commit index is at least the snapshot's "
        "(Figure 13).",
        """
begin 3
crash 2
command 0
command 0
exchange 0 1
exchange 0 1
snapshot 0
lose all
restart 2
heartbeat 0
exchange 0 2
deliver 0 2
""",
    ),
    Bug(
        "D5",
        "a call that begins before the snapshot",
        "Server 1 has compacted its log up to index 3, and refuses a call that comes once more and "
        "begins before that (29).",
        "The leader is told that server 1 lacks what it has; in the crate an assertion fails.",
        "What the own snapshot covers is known to match, and is skipped (§7).",
        """
begin 3
command 0
lose 0 2
repeat 0 1
exchange 0 1
heartbeat 0
lose 0 2
repeat 0 1
deliver 0 1
deliver 0 1
snapshot 1
deliver 0 1
""",
    ),
    Bug(
        "D6",
        "a conflict that is removed entry by entry",
        "Server 0 has three entries of term 1 that conflict with the leader's log, and names but "
        "one index less with each refusal (37, 39, 41).",
        "It takes as many round trips as there are entries, thousands after a long partition.",
        "Whole terms are skipped at a time: the first refusal already names index 2 (§5.3).",
        """
begin 3
command 0
command 0
command 0
lose all
timeout 1
lose 1 0
exchange 1 2
command 1
command 1
lose 1 0
lose 1 0
lose 1 0
exchange 1 2
exchange 1 2
exchange 1 2
heartbeat 1
lose 1 2
deliver all
""",
    ),
    Bug(
        "D7",
        "a vote that binds for later terms",
        "Server 2 voted for server 0 in term 1, and drops what server 1 asks in the terms 2 and 3 "
        "(23, 25).",
        "The leader is down, and nobody is elected before server 2 campaigns itself.",
        "A later term is taken over, and the vote is free in it (§5.1, §5.2).",
        """
begin 3
crash 0
timeout 1
lose 1 0
deliver 1 2
timeout 1
lose 1 0
deliver 1 2
""",
    ),
    Bug(
        "D8",
        "a node that answers itself",
        "Server 1 receives a request for votes that bears its own name (22).",
        "It follows itself into term 5, and grants itself a vote without having campaigned.",
        "A node sends itself nothing: such a message is ignored.",
        "begin 3",
        ((1, v.RequestVoteCall(1, 5, 1, v.Position(1, 2))),),
    ),
    Bug(
        "D9",
        "a committed entry that is removed",
        "Server 1 is sent another entry in the place of one that it knows to be committed (22).",
        "It removes that one, and nobody learns that something committed is lost.",
        "No leader that follows Raft sends this (§5.4.3): it is refused with `InvariantError`, and "
        "the node is as it was.",
        "begin 3",
        ((1, v.AppendEntriesCall(2, 2, 1, 1, v.Position(0, 1), (v.Entry(2, v.TERM),))),),
    ),
)

REPORTED: Final = (
    Bug(
        "late-answer-numbered",
        "an answer that bears the number of another life",
        "Server 1 answers a call of the leader's former life with its new term and the old number, "
        "6 (29).",
        "Server 0 takes that for the answer to a call of today: a read that waits for call 3 is "
        "confirmed by a server that may follow another leader (30).",
        "The answer to a call of an earlier term tells the term alone: it has number 0.",
        """
begin 3
heartbeat 0
lose 0 2
crash 0
restart 0
timeout 0
lose 0 2
repeat 0 1
lose 0 1
exchange 0 1
exchange 0 2
read 0
deliver 0 1
deliver 1 0
""",
    ),
    Bug(
        "timer-set-by-higher-term",
        "a server that cannot win keeps another from campaigning",
        "Server 2 lacks index 3, so server 1 refuses it its vote (26); yet the later term sets "
        "server 1's election timer anew.",
        "Only server 1 can win, and each campaign of server 2 puts off that of server 1 "
        "(26, 28, 30).",
        "A follower's timer is set by a vote that it grants, or by the leader of its term "
        "(Figure 2, Rules for Servers).",
        """
begin 3
command 0
lose 0 2
exchange 0 1
crash 0
timeout 2
deliver 2 1
timeout 2
deliver 2 1
timeout 2
deliver 2 1
""",
    ),
    Bug(
        "late-answer-replaces-vote",
        "a vote that is saved and never told",
        "Server 1 owes server 0 its vote (25), and before its drain a call of term 1 comes late, "
        "the answer to which takes the vote's place (26).",
        "The vote is given and saved: server 1 has no other one in term 2, and server 0 does not "
        "learn of it.",
        "What only tells the term takes no other reply's place.",
        """
begin 3
heartbeat 0
lose 0 2
step-down 0
timeout 0
lose 0 2
repeat 0 1
lose 0 1
hold deliver 0 1
deliver 0 1
deliver 1 0
""",
    ),
    Bug(
        "every-reply-answered",
        "replies that breed calls",
        "Server 1 accepts three calls one after another, and to each acceptance the leader sends "
        "all that follows it (28, 29), though that is under way.",
        "Each entry is sent several times, and each call is answered, which leads to more calls.",
        "A next index tells what was sent: who accepts is sent what was not (§5.3).",
        """
begin 3
command 0
command 0
command 0
deliver 0 1
deliver 0 1
deliver 0 1
deliver 1 0
deliver 1 0
deliver 1 0
deliver 0 1
deliver 0 1
""",
    ),
    Bug(
        "snapshot-asked-by-each-refusal",
        "a snapshot for each heartbeat",
        "Server 2 needs the leader's snapshot, and each of its refusals has it sent once more "
        "(31, 33, 35).",
        "A snapshot takes longer than a heartbeat, so many are under way at a time.",
        "It is asked for once, and again only after so many calls that it must have been lost.",
        """
begin 3
crash 2
command 0
exchange 0 1
snapshot 0
lose all
restart 2
heartbeat 0
heartbeat 0
heartbeat 0
exchange 0 2
exchange 0 2
exchange 0 2
""",
    ),
    Bug(
        "second-leader-followed",
        "two clusters that meet",
        "Two clusters were founded apart, each with a leader of term 1; server 1 follows server 0, "
        "and takes an entry from server 2 (13).",
        "Its log mixes the two, and nobody notices.",
        "A term has one leader (§5.2): a second one is refused with `InvariantError`.",
        """
cluster 3
found 0 0 1
exchange 0 1
exchange 0 1
deliver all
found 2 2
members 2 2 -> 2 1
deliver 2 1
""",
    ),
)


def first_drawn(bug: Bug) -> int:
    """The event with which the picture begins: what founds a cluster is left out."""
    return FOUNDED if bug.commands.strip().startswith("begin") else 1
