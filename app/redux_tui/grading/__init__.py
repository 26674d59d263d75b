"""Submissions to reports: the grading worker, medals, MLE-bench's report files."""
