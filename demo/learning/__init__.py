"""Twelve weeks of a made-up shop: from a rule to a learned policy, and what is true of both."""
