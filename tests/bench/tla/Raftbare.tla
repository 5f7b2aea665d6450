------------------------------ MODULE Raftbare ------------------------------
(***************************************************************************)
(* One bounded Raft cluster, small, written from the executable            *)
(* specification in `spec/` and to be read beside it.  A model checker     *)
(* that counts its distinct states must count as many as an explorer of    *)
(* that specification within the same bounds.                              *)
(*                                                                         *)
(* § is a section of Ongaro and Ousterhout, "In Search of an               *)
(* Understandable Consensus Algorithm" (extended version), Figure 2 its    *)
(* summary; "dissertation" is Ongaro, "Consensus: Bridging Theory and      *)
(* Practice".  Membership does not change, and there are no snapshots.     *)
(*                                                                         *)
(* One step is one event at one node together with the whole drain of      *)
(* what it owes, or with a drain that a crash cuts short, after which the  *)
(* node restarts at once.  Between steps a node's disk thus holds just its *)
(* term, vote and log in memory, and needs no variable.  The network       *)
(* reorders, duplicates (at a cost) and loses: what is lost never enters.  *)
(***************************************************************************)
EXTENDS Integers, Sequences, FiniteSets, Bags

CONSTANTS
    Nodes,           \* integers from 0 on; all are voters, and 0 creates the cluster
    MaxTerm, MaxLog, \* no step goes beyond
    Proposals, Crashes, Duplications, Heartbeats, StepDowns, Transfers, \* how many of each
    InFlight,        \* how many messages the network holds at most
    Entries, Calls   \* the limits: entries that a call carries, calls under way to a peer

VARIABLES
    node,            \* of each node: role, term, vote, log, commit, seqno
    net,             \* a bag of messages
    used,            \* how many there have been of what is counted
    \* History variables: what has been, and is stored nowhere.  No rule reads them.
    leaders,         \* <<term, node>> of each leader, in order of election
    votes,           \* <<node, term, candidate>> of each vote told, by a reply or by campaigning
    committed,       \* the committed entry at each index
    committedIn,     \* the lowest term whose leader committed that index
    stale            \* <<node, term, seqno>> of each leader that would take a read without knowing
                     \* of all that is committed: the lowest number of such a read

vars == <<node, net, used, leaders, votes, committed, committedIn, stale>>

None == -1
Peers(n) == Nodes \ {n}
IsQuorum(set) == 2 * Cardinality(set) > Cardinality(Nodes)
Min(a, b) == IF a < b THEN a ELSE b
Max(a, b) == IF a > b THEN a ELSE b

-----------------------------------------------------------------------------
\* Logs.  An entry is its leader's term and what it holds: "config" (the membership, always the
\* entry of term 0 at index 1), "term" (with which a leader opens its term, §8), or "command".

TermAt(log, i) == IF i = 0 THEN 0 ELSE log[i].term
At(log, i) == [term |-> TermAt(log, i), index |-> i]
Last(log) == At(log, Len(log))
Contains(log, at) == at.index <= Len(log) /\ TermAt(log, at.index) = at.term
After(log, i) == SubSeq(log, i + 1, Len(log))

\* §5.4.1 compares logs by their last positions: by term first, then by index.
Behind(a, b) == a.term < b.term \/ (a.term = b.term /\ a.index < b.index)

\* The last index, up to `i`, that is not of a higher term: terms never fall in a log.
LastOfTerm(log, i, term) ==
    CHOOSE j \in 0..i : TermAt(log, j) <= term /\ (j < i => TermAt(log, j + 1) > term)

-----------------------------------------------------------------------------
\* A node.  A leader knows of each peer up to where it holds the leader's log (matchIndex), what it
\* is to be sent next (nextIndex; None: it was sent all that all others were), the number of the
\* latest calls to it alone, and the largest number of a call that it has answered; of itself, how
\* much of its log is on its disk, and to whom it hands over (dissertation, §3.10).  A candidate
\* knows whether the leader asked it to campaign.

Follower(leader) == [is |-> "follower", leader |-> leader]
Candidate(granted, transfer) == [is |-> "candidate", granted |-> granted, transfer |-> transfer]
Leader(peers) == [is |-> "leader", peers |-> peers, durable |-> 0, transfer |-> None]

\* §5.1, Figure 2 "persistent state": term, vote and log survive; the rest is learnt anew.
Restarted(term, vote, log) ==
    [role |-> Follower(None), term |-> term, vote |-> vote, log |-> log, commit |-> 0, seqno |-> 0]

-----------------------------------------------------------------------------
\* Messages (Figure 2).  A reply carries its call's sequence number.

VoteCall(n, s, to) ==
    [is |-> "vote call", to |-> to, from |-> n, term |-> s.term, seqno |-> s.seqno,
     last |-> Last(s.log), transfer |-> s.role.transfer]

VoteReply(n, s, call, granted) ==
    [is |-> "vote reply", to |-> call.from, from |-> n, term |-> s.term, seqno |-> call.seqno,
     granted |-> granted]

\* What follows an index in the leader's log, as far as a call carries it; at its end this is a
\* heartbeat.
AppendCall(n, s, to, seqno, after) ==
    [is |-> "append call", to |-> to, from |-> n, term |-> s.term, seqno |-> seqno,
     commit |-> s.commit, prev |-> At(s.log, after),
     entries |-> SubSeq(s.log, after + 1, Min(after + Entries, Len(s.log)))]

EndOf(call) == call.prev.index + Len(call.entries)

\* `accepted` is Figure 2's `success`.  If the leader's log contains the last position of the
\* sender's, then by Log Matching the two logs agree up to there.  The number of a call of an
\* earlier term is not repeated: it may be that of another call in this one.
AppendReply(n, s, call, accepted) ==
    [is |-> "append reply", to |-> call.from, from |-> n, term |-> s.term,
     seqno |-> IF call.term = s.term THEN call.seqno ELSE 0,
     last |-> Last(s.log), accepted |-> accepted]

-----------------------------------------------------------------------------
\* A move: the next state of a node, what is owed for it, and the messages of each action among that
\* which sends some.  No two of them are the same.
\*
\* Owed actions are numbered in their order of execution.  Term and vote are durable before any
\* message that rests on them leaves, entries before the reply that reports them.  A leader's
\* broadcast does not rest on its own disk (dissertation, §10.2.1) and goes first.  Several calls to
\* one peer are the actions from SendOne on; here nothing else is owed together with them.

SetTimeout == 1
SaveTerm == 2
SaveVote == 3
SendAll == 4
SaveLog == 5
SendOne == 6

Move(s, owed, sent) == [node |-> s, owed |-> owed \union DOMAIN sent, sent |-> sent]
Silent(s, owed) == Move(s, owed, <<>>)
ToAll(messages) == [action \in {SendAll} |-> messages]
ToOne(message) == [action \in {SendOne} |-> {message}]

\* A refusal leaves the node as it was before the event.
Refused(n) == Silent(node[n], {})

\* §5.2, §5.3: a call to all others, if there are any, with what follows an index: the entry that
\* was appended just now, or nothing.
CallAll(n, s, after, owed) ==
    IF Peers(n) = {}
    THEN Silent(s, owed)
    ELSE LET t == [s EXCEPT !.seqno = @ + 1]
         IN Move(t, owed, ToAll({AppendCall(n, t, p, t.seqno, after) : p \in Peers(n)}))

\* Calls to one peer with what follows an index: one follows another as long as it was not sent
\* all, and no more is under way than may be; but a probe goes alone.
InWindow(peer, end) == end - peer.match < Entries * Calls

RECURSIVE CallsAfter(_, _, _, _)
CallsAfter(n, s, to, after) ==
    LET call == AppendCall(n, s, to, s.role.peers[to].probe, after)
    IN IF /\ EndOf(call) < Len(s.log)
          /\ ~s.role.peers[to].probing
          /\ InWindow(s.role.peers[to], EndOf(call))
       THEN <<call>> \o CallsAfter(n, s, to, EndOf(call))
       ELSE <<call>>

\* Last log index >= nextIndex: AppendEntries RPC with entries starting at nextIndex.
CallOne(n, s, to, next, probing) ==
    LET t == [s EXCEPT !.seqno = @ + 1,
                       !.role.peers[to].probe = s.seqno + 1,
                       !.role.peers[to].probing = probing]
        calls == CallsAfter(n, t, to, next - 1)
        end == EndOf(calls[Len(calls)])
    IN Move([t EXCEPT !.role.peers[to].next = IF end = Len(s.log) THEN None ELSE end + 1], {},
            [action \in SendOne..SendOne + Len(calls) - 1 |-> {calls[action - SendOne + 1]}])

\* §5.3: append to the own log, and tell the others.
AppendAsLeader(n, s, holds, owed) ==
    LET entry == [term |-> s.term, holds |-> holds]
    IN CallAll(n, [s EXCEPT !.log = Append(@, entry)], Len(s.log),
               owed \union {SaveLog, SetTimeout})

\* §5.2, §8: nothing is known of the others' logs; an entry of its own opens the term.
BecomeLeader(n, s, owed) ==
    LET nothing == [match |-> 0, next |-> None, probe |-> 0, probing |-> FALSE, answered |-> 0]
    IN AppendAsLeader(n, [s EXCEPT !.role = Leader([p \in Peers(n) |-> nothing])], "term", owed)

\* §5.2: increment the term, vote for oneself, ask the others.
StartElection(n, s, transfer, owed) ==
    LET t == [s EXCEPT !.role = Candidate({n}, transfer), !.term = @ + 1, !.vote = n]
        u == [t EXCEPT !.seqno = @ + 1]
        campaign == owed \union {SaveTerm, SaveVote, SetTimeout}
    IN IF IsQuorum({n})
       THEN Silent(t, campaign)
       ELSE Move(u, campaign, ToAll({VoteCall(n, u, p) : p \in Peers(n)}))

\* A cluster begins with a configuration entry at index 1 in term 0, and an election.
CreateCluster(n) ==
    StartElection(n, [node[n] EXCEPT !.log = <<[term |-> 0, holds |-> "config"]>>], FALSE,
                  {SaveLog})

\* §5.4.2: an entry of the leader's own term that a quorum holds is committed, and all before.
AdvanceCommit(n, s) ==
    LET holders(i) == {p \in Peers(n) : s.role.peers[p].match >= i}
                      \union (IF s.role.durable >= i THEN {n} ELSE {})
        index == CHOOSE i \in 0..Len(s.log) : IsQuorum(holders(i)) /\ ~IsQuorum(holders(i + 1))
    IN IF index > s.commit /\ s.log[index].term = s.term THEN [s EXCEPT !.commit = index] ELSE s

\* Every owed action has been executed: term and vote are on the disk now.  With them a candidate's
\* own vote counts, which alone elects an only voter: what that owes belongs to the same drain.
VoteSaved(n, s) ==
    IF s.role.is = "candidate" /\ IsQuorum(s.role.granted)
    THEN BecomeLeader(n, s, {})
    ELSE Silent(s, {})

\* Every owed action has been executed: all of the log is on the disk now.  With it a leader's own
\* copy counts, which alone commits where it is the only voter.
Drained(n, s) ==
    IF s.role.is = "leader" /\ s.role.durable < Len(s.log)
    THEN AdvanceCommit(n, [s EXCEPT !.role.durable = Len(s.log)])
    ELSE s

-----------------------------------------------------------------------------
\* Messages received, once a higher term has been taken over.

\* §5.2, §5.4.1: one vote a term, first come first served, to a log not behind one's own.
ReceiveVoteCall(n, s, owed, m) ==
    IF m.term < s.term THEN Move(s, owed, ToOne(VoteReply(n, s, m, FALSE)))
    ELSE IF Behind(m.last, Last(s.log)) \/ s.vote \notin {None, m.from} THEN Silent(s, owed)
    ELSE Move([s EXCEPT !.vote = m.from],
              owed \union {SetTimeout} \union (IF s.vote = None THEN {SaveVote} ELSE {}),
              ToOne(VoteReply(n, s, m, TRUE)))

\* §5.2: a candidate that a quorum voted for in its own term leads it.
ReceiveVoteReply(n, s, owed, m) ==
    IF s.role.is = "candidate" /\ m.granted /\ m.term = s.term
    THEN LET granted == s.role.granted \union {m.from}
         IN IF IsQuorum(granted)
            THEN BecomeLeader(n, s, owed)
            ELSE Silent([s EXCEPT !.role.granted = granted], owed)
    ELSE Silent(s, owed)

\* §5.3: follow the leader of the term, agree with its log, learn what is committed.  What would
\* show that a guarantee of the protocol has been broken is refused.
ReceiveAppendCall(n, s, owed, m) ==
    LET log == s.log
        prev == m.prev
        end == prev.index + Len(m.entries)
        reply(t, more, accepted) ==
            Move(t, owed \union more \union {SetTimeout}, ToOne(AppendReply(n, t, m, accepted)))
        follower == [s EXCEPT !.role = Follower(m.from)]
        \* Figure 2, AppendEntries receiver 5: min(leaderCommit, index of last new entry).
        learnt(verified) == Max(s.commit, Min(m.commit, verified))
        \* Receiver 2: no entry of the leader's before `prev` has a higher term, nor is anything
        \* the leader's from the place on where the two logs show different terms.
        keep == LastOfTerm(log, Min(prev.index - 1, Len(log)), prev.term)
        \* Receiver 3, 4: the last index at which the log has what the leader sent.
        same(i) == i <= Min(end, Len(log)) /\ log[i].term = m.entries[i - prev.index].term
        agreed == CHOOSE i \in prev.index..end :
                      ~same(i + 1) /\ \A j \in prev.index + 1..i : same(j)
    IN IF m.term < s.term THEN Move(s, owed, ToOne(AppendReply(n, s, m, FALSE)))
       ELSE IF s.role.is = "leader" THEN Refused(n)
       ELSE IF m.term < (IF m.entries = <<>> THEN prev.term ELSE m.entries[Len(m.entries)].term)
            THEN Refused(n)
       ELSE IF ~Contains(log, prev)
            THEN IF keep < s.commit THEN Refused(n)
                 ELSE IF keep = Len(log) THEN reply(follower, {}, FALSE)
                 ELSE reply([follower EXCEPT !.log = SubSeq(log, 1, keep)], {SaveLog}, FALSE)
       ELSE IF agreed = end THEN reply([follower EXCEPT !.commit = learnt(end)], {}, TRUE)
       ELSE IF agreed < s.commit THEN Refused(n)
       ELSE reply([follower EXCEPT !.log = SubSeq(log, 1, agreed)
                                           \o After(m.entries, agreed - prev.index),
                                   !.commit = learnt(end)], {SaveLog}, TRUE)

\* A peer that was not sent all is sent more, while no more is under way than may be.
OnSuccess(n, s, from) ==
    LET peer == s.role.peers[from]
        next == Max(peer.next, peer.match + 1)
        t == [s EXCEPT !.role.peers[from].probing = FALSE]
    IN IF peer.next = None THEN Silent(t, {})
       ELSE IF next > Len(s.log) THEN Silent([t EXCEPT !.role.peers[from].next = None], {})
       ELSE IF InWindow(peer, next - 1) THEN CallOne(n, t, from, next, FALSE)
       ELSE Silent([t EXCEPT !.role.peers[from].next = next], {})

\* A peer that refuses a call is probed: it is sent one call, with what comes after all that the
\* logs may share; unless it was sent calls of its own since.  One that is older than what the peer
\* is known to hold tells of one call more that it has not; not while it is probed.
OnFailure(n, s, from, seqno, last, shared) ==
    LET peer == s.role.peers[from]
        known == Max(shared, peer.match)
    IN IF seqno < peer.probe \/ (peer.probing /\ last < peer.match) THEN Silent(s, {})
       ELSE IF known = Len(s.log) THEN Silent([s EXCEPT !.role.peers[from].next = None], {})
       ELSE CallOne(n, s, from, known + 1, TRUE)

\* §5.3: learn how far the peer's log matches, and send it what it lacks.  Number 0 answers a call
\* of an earlier term.
ReceiveAppendReply(n, s, owed, m) ==
    IF s.role.is # "leader" \/ m.term < s.term \/ m.seqno = 0
    THEN Silent(s, owed)
    ELSE LET heard == [s EXCEPT !.role.peers[m.from].answered = Max(@, m.seqno)]
             \* The last position of the leader's log that a log which ends like this may contain.
             shared == At(s.log, LastOfTerm(s.log, Min(m.last.index, Len(s.log)), m.last.term))
             t == IF shared = m.last /\ s.role.peers[m.from].match < shared.index
                  THEN AdvanceCommit(n, [heard EXCEPT !.role.peers[m.from].match = shared.index])
                  ELSE heard
         IN IF m.accepted
            THEN OnSuccess(n, t, m.from)
            ELSE OnFailure(n, t, m.from, m.seqno, m.last.index, shared.index)

\* §5.1: a higher term makes anyone a follower, that has not voted in it yet.
Receive(n, m) ==
    LET higher == m.term > node[n].term
        s == IF higher
             THEN [node[n] EXCEPT !.role = Follower(None), !.term = m.term, !.vote = None]
             ELSE node[n]
        timer == IF node[n].role.is = "leader" THEN {SetTimeout} ELSE {}
        owed == IF higher THEN {SaveTerm, SaveVote} \union timer ELSE {}
    IN CASE m.is = "vote call" -> ReceiveVoteCall(n, s, owed, m)
         [] m.is = "vote reply" -> ReceiveVoteReply(n, s, owed, m)
         [] m.is = "append call" -> ReceiveAppendCall(n, s, owed, m)
         [] m.is = "append reply" -> ReceiveAppendReply(n, s, owed, m)

-----------------------------------------------------------------------------
\* Steps of the cluster.

\* §8; dissertation, §6.4: a leader may take a read once an entry of its own term is committed.
Reads(s) == s.role.is = "leader" /\ TermAt(s.log, s.commit) = s.term

\* Reads that are stale if they are taken now that the nodes are these, and those of before of who
\* still leads in that term.
RememberReads(n, nodes, all) ==
    LET kept == {r \in stale : r[1] # n \/ (nodes[n].role.is = "leader" /\ nodes[n].term = r[2])}
        behind == {p \in Nodes : Reads(nodes[p]) /\ nodes[p].commit < Len(all)}
        new == {p \in behind : \A r \in kept : r[1] # p}
    IN stale' = kept \union {<<p, nodes[p].term, nodes[p].seqno + 1>> : p \in new}

\* Who leads; what is committed, at the latest in the node's term (a leader of an earlier term may
\* come to know it later than one that followed it); the votes that were told by what was `done`.
Remember(n, s, done, sent) ==
    LET leads == s.role.is = "leader"
        new == SubSeq(s.log, Len(committed) + 1, s.commit)
        lowered == IF leads /\ s.commit > node[n].commit
                   THEN [i \in DOMAIN committedIn |->
                            IF i <= s.commit THEN Min(s.term, committedIn[i]) ELSE committedIn[i]]
                   ELSE committedIn
    IN /\ leaders' = IF leads /\ \A i \in DOMAIN leaders : leaders[i] # <<s.term, n>>
                     THEN Append(leaders, <<s.term, n>>)
                     ELSE leaders
       /\ committed' = committed \o new
       /\ committedIn' = lowered \o [i \in DOMAIN new |-> s.term]
       /\ votes' = votes
             \union (IF SaveVote \in done /\ s.vote = n THEN {<<n, s.term, n>>} ELSE {})
             \union {<<n, m.term, m.to>> : m \in {r \in sent : r.is = "vote reply" /\ r.granted}}
       /\ RememberReads(n, node', committed \o new)

\* The network takes any part of what is sent that it has room for.
Transmit(rest, sent) ==
    \E arriving \in SUBSET sent :
        /\ Cardinality(arriving) <= InFlight - BagCardinality(rest)
        /\ net' = rest (+) SetToBag(arriving)

\* The messages of those actions of a move that were executed.
SentBy(move, done) == UNION {move.sent[action] : action \in done \intersect DOMAIN move.sent}

Replace(n, s) == node' = [node EXCEPT ![n] = s]

Within(s) == s.term <= MaxTerm /\ Len(s.log) <= MaxLog

\* The drain of a move is executed to its end, or the node crashes just before one of the actions
\* and restarts from what those before it have persisted.  A write always ends as the log ends.
\* A move out of the bounds is not made at all, even if a crash were to take it back.
Take(n, move, rest, spent) ==
   LET elected == VoteSaved(n, move.node)
   IN Within(move.node) /\
   (\/ LET s == Drained(n, elected.node)
           sent == SentBy(move, move.owed)
       IN /\ Within(s)
          /\ Replace(n, s)
          /\ used' = spent
          /\ Remember(n, s, move.owed, sent)
          /\ Transmit(rest, sent)
    \/ /\ spent.crashes < Crashes
       /\ used' = [spent EXCEPT !.crashes = @ + 1]
       /\ \E next \in move.owed :
             LET done == {action \in move.owed : action < next}
                 sent == SentBy(move, done)
                 saved(action) == IF action \in done THEN move.node ELSE node[n]
             IN /\ Replace(n, Restarted(saved(SaveTerm).term, saved(SaveVote).vote,
                                        saved(SaveLog).log))
                /\ Remember(n, move.node, done, sent)
                /\ Transmit(rest, sent)
    \* An only voter sends nothing to anybody; the last that it owes as a leader is its write.
    \/ /\ spent.crashes < Crashes
       /\ used' = [spent EXCEPT !.crashes = @ + 1]
       /\ elected.owed # {}
       /\ Replace(n, Restarted(move.node.term, move.node.vote, move.node.log))
       /\ Remember(n, move.node, move.owed, {})
       /\ Transmit(rest, {}))

Create == node[0].log = <<>> /\ Take(0, CreateCluster(0), net, used)

\* §5.2.  Who knows of no membership does not campaign, and sets its timer again.
ElectionTimeout(n) ==
    /\ node[n].role.is # "leader"
    /\ Take(n, IF node[n].log = <<>> THEN Silent(node[n], {SetTimeout})
                                    ELSE StartElection(n, node[n], FALSE, {}), net, used)

\* A leader that hands over takes no commands.
Propose(n) ==
    /\ node[n].role.is = "leader" /\ node[n].role.transfer = None /\ used.proposals < Proposals
    /\ Take(n, AppendAsLeader(n, node[n], "command", {}), net, [used EXCEPT !.proposals = @ + 1])

Heartbeat(n) ==
    /\ node[n].role.is = "leader" /\ used.heartbeats < Heartbeats
    /\ Take(n, CallAll(n, node[n], Len(node[n].log), {SetTimeout}), net,
            [used EXCEPT !.heartbeats = @ + 1])

\* Dissertation, §6.2: a leader that may be cut off leads no more, in the same term.
StepDown(n) ==
    /\ node[n].role.is = "leader" /\ used.stepDowns < StepDowns
    /\ Take(n, Silent([node[n] EXCEPT !.role = Follower(None)], {SetTimeout}), net,
            [used EXCEPT !.stepDowns = @ + 1])

\* Dissertation, §3.10: a leader begins to hand over, or does so no more; and at any time after that
\* a follower is told to campaign, in its term.
TransferLeadership(n, to) ==
    /\ node[n].role.is = "leader" /\ node[n].role.transfer # to /\ used.transfers < Transfers
    /\ Take(n, Silent([node[n] EXCEPT !.role.transfer = to], {}), net,
            [used EXCEPT !.transfers = @ + 1])

CancelTransfer(n) ==
    /\ node[n].role.is = "leader" /\ node[n].role.transfer # None
    /\ Take(n, Silent([node[n] EXCEPT !.role.transfer = None], {}), net, used)

TimeoutNow(n) ==
    /\ node[n].role.is = "follower" /\ node[n].log # <<>> /\ used.campaigns < used.transfers
    /\ Take(n, StartElection(n, node[n], TRUE, {}), net, [used EXCEPT !.campaigns = @ + 1])

\* A message is delivered and gone, or at a cost stays to be delivered again.
Deliver(m) ==
    \/ Take(m.to, Receive(m.to, m), net (-) SetToBag({m}), used)
    \/ /\ used.duplications < Duplications
       /\ Take(m.to, Receive(m.to, m), net, [used EXCEPT !.duplications = @ + 1])

\* A node that owes nothing crashes and restarts.
Crash(n) ==
    LET s == Restarted(node[n].term, node[n].vote, node[n].log)
    IN /\ used.crashes < Crashes /\ s # node[n]
       /\ Replace(n, s)
       /\ used' = [used EXCEPT !.crashes = @ + 1]
       /\ RememberReads(n, node', committed)
       /\ UNCHANGED <<net, leaders, votes, committed, committedIn>>

Init ==
    /\ node = [n \in Nodes |-> Restarted(0, None, <<>>)]
    /\ net = EmptyBag
    /\ used = [proposals |-> 0, crashes |-> 0, duplications |-> 0, heartbeats |-> 0,
               stepDowns |-> 0, transfers |-> 0, campaigns |-> 0]
    /\ leaders = <<>> /\ votes = {} /\ committed = <<>> /\ committedIn = <<>> /\ stale = {}

Next ==
    \/ Create
    \/ \E n \in Nodes : ElectionTimeout(n) \/ Propose(n) \/ Heartbeat(n) \/ Crash(n)
    \/ \E n \in Nodes : StepDown(n) \/ CancelTransfer(n) \/ TimeoutNow(n)
    \/ \E n \in Nodes : \E to \in Peers(n) : TransferLeadership(n, to)
    \/ \E m \in DOMAIN net : Deliver(m)

-----------------------------------------------------------------------------
\* What must hold in every state.

\* §5.2, Figure 3: at most one leader can be elected in a given term.
ElectionSafety ==
    \A i, j \in DOMAIN leaders : leaders[i][1] = leaders[j][1] => i = j

\* §5.2: a node votes for at most one candidate in a given term.
VoteOncePerTerm ==
    \A v, w \in votes : v[1] = w[1] /\ v[2] = w[2] => v[3] = w[3]

\* §5.3, Figure 3: logs with an entry of the same index and term are the same up to there.
LogMatching ==
    \A m, n \in Nodes : m < n =>
        LET one == node[m].log
            other == node[n].log
        IN \A i \in 1..Min(Len(one), Len(other)) :
               one[i].term = other[i].term => \A j \in 1..i : one[j] = other[j]

\* §5.4, Figure 3: a leader's log has every entry that was committed in an earlier term.
LeaderCompleteness ==
    \A n \in Nodes : node[n].role.is = "leader" =>
        \A i \in DOMAIN committed : committedIn[i] < node[n].term =>
            i <= Len(node[n].log) /\ node[n].log[i] = committed[i]

\* §5.4.3, Figure 3: what a node commits at an index is what was ever committed there.
StateMachineSafety ==
    \A n \in Nodes : \A i \in 1..node[n].commit : node[n].log[i] = committed[i]

\* §8; dissertation, §6.4: no quorum, the leader included, has answered a call that confirms a stale
\* read.
ReadIndexSafe ==
    \A r \in stale :
        LET peers == node[r[1]].role.peers
        IN ~IsQuorum({r[1]} \union {p \in Peers(r[1]) : peers[p].answered >= r[3]})
=============================================================================
