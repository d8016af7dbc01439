"""Protocols that the use cases need. Adapters implement them, tests fake them; one contract suite covers both.

Every method may raise TryAgain: the outcome is unknown, and the same call may be repeated.
"""
