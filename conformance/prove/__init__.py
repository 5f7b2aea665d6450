"""What exploration shows within bounds on terms and messages, shown for all of them, by z3.

The code that is proved is that of `spec` and `raftbare`, run on symbolic numbers.  May import every
room below `mutants`; nothing outside imports z3.

The words, each for one thing:

    obligation   what is proved by itself, and named in the table that `conformance prove` prints
    shape        what is known of a server before a step; its numbers stand for all numbers
    step         one turn of a server: an event, one action that it owes, or a crash
    view         a cluster with its history, as formulas or as values, that statements speak of
    statement    a lemma or a claim: a sentence, and a formula on a view
    lemma        a statement on a cluster that holds in every reachable state; all of them are the
                 inductive invariant
    claim        a statement on one message under way, or owed, and the cluster
    hypothesis   a statement before a step, which z3 is told
    assumption   a predicate on one server that step equivalence takes for granted (`step`)
    server lemma an assumption, or another predicate that every turn of one server keeps
    fact         a consequence of the lemmas that is proved by itself (`changing.why`)
    goal         a statement after a step on one path, which z3 is asked for
"""
