"""Answers and highlights in the frameworks that people build with, each an extra of its own.

Each module gives two things: the excerpts of an index as that framework's retriever, and `highlight`
behind the user's own retriever. None calls a language model, and none sends anything.
"""
