"""Learn from it: dataset, fit, calibrate, evaluate, gate, registry, reports."""
