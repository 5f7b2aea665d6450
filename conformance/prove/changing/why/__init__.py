"""Why quorums of changing configurations overlap: consequences of the lemmas."""
