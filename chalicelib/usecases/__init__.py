"""Use cases: plain functions, grouped in one file per subject. They see the outside only through ports."""
