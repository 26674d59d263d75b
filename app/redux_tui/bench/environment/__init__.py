"""MLE-bench's own Python environment: made, found, checked."""
