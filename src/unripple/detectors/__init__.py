"""Faces and persons, found by networks that ship in packages."""
