"""Evaluation: how well an index answers question files."""
