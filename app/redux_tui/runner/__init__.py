"""From a request to graded results: plan, queue, an attempt's life, the journal, recovery."""
