"""The index: what builds write and questions read."""
