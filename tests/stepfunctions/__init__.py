"""Tests of the Step Functions API."""
