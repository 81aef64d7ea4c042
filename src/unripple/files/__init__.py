"""Files: written whole or not at all, pictures, arrays, tables; and tensors of pictures."""
