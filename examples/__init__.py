"""Data to try the project with."""
