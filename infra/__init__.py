"""Packaging, deployment, operations and the local cloud."""
