"""The local cloud. Never packaged."""
