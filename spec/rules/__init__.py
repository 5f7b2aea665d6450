"""The rules of one node, to be read beside the Raft paper.

Every rule is a pure function that returns an `Effect`; `step` is the one way in.  Of the package
`spec` the rules import values and pending actions alone.

The paper is Ongaro and Ousterhout, "In Search of an Understandable Consensus Algorithm", extended
version: § is a section of it, Figure 2 its summary, Figure 13 that of snapshots.  "Dissertation" is
Ongaro, "Consensus: Bridging Theory and Practice".  D1 to D9 are the decisions in which these rules
differ from the Rust crate raftbare 0.2.2; `docs/decisions.md` has the table of them.

Each line of the paper, the function that is the rule for it, and how that differs.  What belongs to
the user of a node (timers, network, disk, state machine) reaches the rules as events, and is asked
for with actions (`spec.values`).

Figure 2, State                    spec/values.py
    currentTerm, votedFor          Node                 as there; 0 and None to begin with
    log[]                          Node.log             begins with a snapshot (§7), maybe empty
    commitIndex                    Node                 as there; a snapshot raises it too (D4)
    lastApplied                    -                    the user's, who applies what is committed
    nextIndex[]                    Progress.next        None where all was sent that all others were
    matchIndex[]                   Progress.match       as there; with_progress() takes note of it;
                                                        the leader's own: Leader.durable
    -                              Node.seqno           numbers the calls; Progress.probe and asked
                                                        say which replies are no news
    -                              Progress.probing     one call at a time, until it is accepted
    -                              Node.limits          how much a call carries, how much is under
                                                        way: in_flight(); the user's

AppendEntries RPC                  append_entries.py
    arguments                      AppendEntriesCall    leaderId is `sender`; append_call()
    results                        reply_to()           the log's last position as well
    invoked by leader              append_as_leader()   at once; the calls are made in the drain:
                                   call_all()           to all peers, once (drain.py)
                                   call_one()           to one that does not have all that was sent
    also used as heartbeat         broadcast_heartbeat()  as there
    receiver 1                     receive_append_entries_call()  as there; refuses a second leader
                                                        of the term (§5.2)
    receiver 2                     agree_with_leader()  skips what the own snapshot covers (D5);
                                   drop_conflict()      where there is no such entry, drops what
                                                        cannot be the leader's (§5.3, D6)
    receiver 3, 4                  agree_with_leader()  refuses to lose committed entries (D9)
    receiver 5                     agree_with_leader()  as there

RequestVote RPC                    request_vote.py
    arguments                      RequestVoteCall      candidateId is `sender`: vote_call()
                                                        (drain.py)
    results                        RequestVoteReply     as there
    receiver 1                     receive_request_vote_call()  as there
    receiver 2                     receive_request_vote_call()  compares terms first (§5.4.1, D1);
                                                        no reply if not granted in its own term

Rules for Servers: all             servers.py
    commitIndex > lastApplied      -                    the user's, as lastApplied is
    term T > currentTerm           receive()            drops a message from the node itself (D8);
                                                        never one of a higher term (D7)
    convert to follower            become_follower()    the only rule that clears a vote (D3); who
                                                        led needs another timer
Rules for Servers: followers
    respond to RPCs                respond()            the others respond by the same rules
    election timeout elapses       election_timeout()   the user's timer; SetElectionTimeout sets
                                                        it, where there is a cause (Figure 2)
Rules for Servers: candidates      request_vote.py
    start election                 start_election()     an only voter asks nobody
    votes from majority            receive_request_vote_reply()  as there
                                   drained()            an only voter's, once its disk has it
    AppendEntries, new leader      receive_append_entries_call()  whoever had the vote (D2)
    election timeout elapses       election_timeout()   as there
Rules for Servers: leaders         leaders.py
    upon election                  become_leader()      sends an entry, not an empty call (§8)
    repeat during idle periods     heartbeat()          when the user or election_timeout() says so
    command from client            propose_command()    the user responds: commit_status()
    last log index >= nextIndex    owe_calls()          upon a reply of the peer alone
    successful: nextIndex,         on_success()         as there
        matchIndex                 receive_append_entries_reply()  upon a failure as well
    fails: nextIndex, retry        on_failure()         from last_shared(): whole terms at a time
                                                        (§5.3, D6)
    such an N exists               advance_commit()     as there
    majority of matchIndex         quorum_index()       of both, if joint: reached(); the leader
                                                        counts once its disk has it: drained()
                                                        (drain.py)

§6, membership                     membership.py
    servers that only catch up     Config.non_voters    as there
    joint majorities               has_quorum()         as there
    C_old,new requested            propose_config()     a change of non-voters needs no joint one
    latest in its log is used      append_config()      as there
    -                              track_members()      a leader's Progress of who joined or left
    committed: C_new follows       config_committed()   as there; a leader that C_new has no vote
                                                        for steps down, and keeps its vote (D3)
    disregard RequestVote RPCs     could_be_disruptive()  is only told, to the user, who may drop
                                                        the call (queries.py, D7)
    -                              change_status()      whether C_new is committed (queries.py)
    -                              may_campaign()       who was removed may, until that is known to
                                                        be committed (dissertation, §4.2.2)

§7, Figure 13, InstallSnapshot     snapshots.py
    arguments                      SnapshotInstalled    the configuration as well; offset, data[]
                                                        and done are the user's, who transfers it
    results                        -                    none: the receiver's next reply_to() a call
                                                        shows a longer log
    invoked by leader              call_one()           asks the user to send it (InstallSnapshot)
                                                        where nextIndex is not after the snapshot
    receiver 1                     -                    left out: a late snapshot does no harm
    receiver 2 to 5                -                    the user's; the event tells of it once it is
                                                        durable, after the term: term_first()
    receiver 5 to 8                snapshot_installed()  by Log.compacted; what it covers is
                                                        committed (D4)

§8, clients                        queries.py
    find the leader                Node.leader          the user's, as are serial numbers
    committed yet                  commit_status()      a position tells a proposal from another
    read-only operations           read_index()         become_leader() has the no-op
                                   is_confirmed()       confirmed() has by which call; Progress.
                                                        answered, with each reply (leaders.py)

Dissertation                       transfer.py
    §3.10, leadership transfer     transfer_leadership()  refuses proposals until cancel_transfer()
                                   timeout_now()        the message is the user's, who knows from
                                                        Progress.match when to send it
    §6.2, a leader without quorum  step_down()          when, says the user: if confirmed() does not
                                                        rise for an election timeout
    §9.6, Pre-Vote                 pre_vote_call()      the messages are the user's (queries.py)
                                   would_vote()

What is owed                       drain.py
    in which order                 take_action()        what a message rests on is durable before it
    all of it                      take_all()           but for what drained() owes at the end

Start and restart                  start.py
    servers start as followers     start()              without a log: of no cluster yet
    the first configuration        create_cluster()     an entry of term 0 at index 1
    persistent state               restart()            refuses what cannot have been written
    -                              force_new_cluster()  no rule of Raft: where a quorum is lost

Apart from the paper, refused() is the effect of an event that is not accepted, and step() calls the
rule of each event.
"""

from __future__ import annotations

from spec.rules.drain import drained, take_action, take_all
from spec.rules.effect import Effect
from spec.rules.leaders import confirmed, quorum_index
from spec.rules.membership import has_quorum
from spec.rules.queries import (
    change_status,
    commit_status,
    could_be_disruptive,
    is_confirmed,
    pre_vote_call,
    read_index,
    would_vote,
)
from spec.rules.servers import step
from spec.rules.start import force_new_cluster, start

__all__ = [
    "Effect",
    "change_status",
    "commit_status",
    "confirmed",
    "could_be_disruptive",
    "drained",
    "force_new_cluster",
    "has_quorum",
    "is_confirmed",
    "pre_vote_call",
    "quorum_index",
    "read_index",
    "start",
    "step",
    "take_action",
    "take_all",
    "would_vote",
]
