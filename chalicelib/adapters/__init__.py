"""The only rooms that know an SDK, one SDK each."""
