"""Simulations of what the reports promise: `make verify-statistics`."""
