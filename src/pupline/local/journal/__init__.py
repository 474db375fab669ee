"""Executions on one machine: their journal, and the driver that carries them out."""
