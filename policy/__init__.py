"""What to do: triggers, arms and decide(); pure, so that every decision can be taken again from what was logged."""
