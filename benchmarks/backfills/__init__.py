"""The same features of the same log by other means."""
