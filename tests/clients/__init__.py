"""Real clients against the real server: `make test-clients` installs them, and `make test` needs none of them."""
