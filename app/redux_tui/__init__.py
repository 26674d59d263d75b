"""redux-tui: run, watch and grade machine-learning-engineering agents from the terminal."""

__version__ = "0.1.0"
