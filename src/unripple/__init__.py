"""Unripple: remove the ripples that HFGI leaves behind when a head is turned far."""

__version__ = "0.1.0"
