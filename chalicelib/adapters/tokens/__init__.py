"""Bearer tokens of the platform's issuer."""
