"""Dog images fetched, checked, alerted on and audited, by one Step Functions workflow on AWS or on one machine."""

__version__ = "0.5.0"
