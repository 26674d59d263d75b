"""The clone of MLE-bench: made, moved, rebuilt, its leaderboards fetched."""
