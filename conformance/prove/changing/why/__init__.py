"""Why quorums of changing configurations overlap: consequences of the lemmas, in steps.

They are of any clusters that satisfy the lemmas; no code is run here.  The formulas are in `facts`;
their proofs, by subject:

    log_matching   along     where configurations are in a server's own log
    completeness   wins      a candidate with the votes of a quorum has all that may be chosen of
                             earlier terms
                   new       what a leader appends cannot be chosen any more where a later term has
                             a leader
    elections      alone     nobody else leads the term of a candidate with the votes of a quorum
                   opening   with what it would open its term, is as what a leader appends
    counting       counted   what a leader counts, a quorum of whatever it may have counted by holds
                   no_more   and nothing may be chosen for it that could not be chosen before
                   chosen    what a quorum acknowledged may be chosen

Completeness and elections compare two logs, which part somewhere: see `fork`, and for the first of
the two `overlap`.  May import `prove.changing.statements` and what `prove.changing` may.
"""
