"""Where badges are and were: spans, visits, stays, coverage, and the states a viewer sees."""
