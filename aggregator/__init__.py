"""The aggregator: collects the submissions of its rounds, checks, weighs, proves, publishes and settles."""
