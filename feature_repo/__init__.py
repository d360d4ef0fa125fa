"""Where it is kept: Feast declarations generated from the catalogue, and the stores they are kept in."""
