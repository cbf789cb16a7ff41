"""Queues, their members, numbers and dispositions, and the choice of the next agent."""
