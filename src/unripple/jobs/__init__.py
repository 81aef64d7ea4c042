"""How jobs do their work and tell of it: batches, indexes, journals, fingerprints, provenance."""
