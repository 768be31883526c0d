"""Stand-ins at our own seams. Each is held against the same contract as the real thing."""
