"""What Opportune is measured against, each a server of its own."""
