"""Checks of a definition, with the messages of CreateStateMachine and ValidateStateMachineDefinition."""
