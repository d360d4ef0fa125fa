"""What is likely: models of purchase intent, loaded, predicted with and explained; nothing here trains."""
