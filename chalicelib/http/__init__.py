"""Routing, schemas and pages: the only room that knows HTTP."""
