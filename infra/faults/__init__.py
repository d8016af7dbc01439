"""The proof that no coin is lost, doubled or stolen, as commands."""
