"""The agents: enrolment, placement, configuration, shards and what was refused of theirs."""
