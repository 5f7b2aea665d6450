"""What exploration shows within bounds on terms and messages, shown for all of them, by z3.

The code that is proved is that of `spec` and `raftbare`, run on symbolic numbers by `symbolic`.
May import every room below `mutants`; besides it only `symbolic` imports z3.

The words, each for one thing:

    obligation   what is proved by itself, and named in the table that `conformance prove` prints
    shape        what is known of a server before a step; its numbers stand for all numbers
    step         of the cluster, in the induction: a server takes an event, executes one action that
                 it owes, or crashes.  In `prove.step`: a server takes an event, or a drain runs
    view         a cluster with its history, as formulas or as values, that statements speak of
    statement    a lemma or a claim: a sentence, and a formula on a view
    lemma        a statement on a cluster that holds in every reachable state; all of them are the
                 inductive invariant
    claim        a statement on one message under way, or owed, and the cluster
    hypothesis   a statement before a step, which z3 is told
    assumption   a predicate on one server that step equivalence takes for granted (`prove.step`)
    server lemma an assumption, or another predicate that every turn of one server keeps
    fact         a consequence of the lemmas that is proved by itself (`changing.why`)
    goal         a statement after a step on one path, which z3 is asked for
"""
