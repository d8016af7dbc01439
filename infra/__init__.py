"""What deploys Coinpurse, and what measures it."""
