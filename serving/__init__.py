"""Do it: accept events, keep states, score, decide, write down, dispatch."""
