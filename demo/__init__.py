"""`make demo`: the main job on a year of real purchases, from history to outcomes, on one screen."""
