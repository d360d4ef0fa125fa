"""A shop's clickstream in words of its own, and the mapping that translates it."""
