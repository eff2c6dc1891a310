"""Asking: a question -> candidates -> reranked passages -> excerpts, highlights and a confidence."""
