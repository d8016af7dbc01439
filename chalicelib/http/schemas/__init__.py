"""Wire types of requests and responses."""
