"""Lists of classes that heads name: YAML only."""
