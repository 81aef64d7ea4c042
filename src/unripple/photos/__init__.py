"""Anybody's photos: found in folders and archives, named, decoded, and shared out."""
