"""Which plugin runs when: triggers, jobs, trust, circuit breakers and the cycle."""
