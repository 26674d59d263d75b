"""What the clone's commit is, for people: when it was made, and what it says it does."""

from __future__ import annotations

from redux_tui.bench.repository.clone import Clone
from redux_tui.logs.sanitize import one_line


def about(clone: Clone) -> str:
    """ "783b15af77 of 2026-03-01 (Add results)"; the hash alone where the commit can't be read."""
    short = clone.commit[:10]
    try:
        import git  # which looks for the git command, and raises ImportError without it
    except ImportError:
        return short
    try:
        with git.Repo(clone.folder) as repository:
            commit = repository.commit(clone.commit)
            date, subject = commit.committed_datetime.date(), str(commit.summary)
    except (git.GitError, ValueError, OSError):
        return short
    return f"{short} of {date} ({one_line(subject)})"
