"""Portraits whose true edit is known: plates, and generated persons over them."""
