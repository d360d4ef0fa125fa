"""What we know: the event vocabulary, the catalogue of features, the state and its kernels. Pure: no clock, no I/O."""
