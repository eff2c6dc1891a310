"""Building: files -> documents -> passages -> codes -> a new snapshot, only what changed."""
