"""Encoding: text -> token vectors and one pooled vector, quantised; the model and its exports."""
