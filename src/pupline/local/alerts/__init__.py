"""SNS on one machine: a topic with an outbox, and its subscriptions."""
