"""Proof that our networks give the reference implementations' numbers."""
