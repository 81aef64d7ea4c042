"""What is measured on a cleaned edit: one metric per file, masks as arguments, tables in ``table``."""
