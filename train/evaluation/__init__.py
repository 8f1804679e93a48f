"""How good a network's answers are on a data set."""
