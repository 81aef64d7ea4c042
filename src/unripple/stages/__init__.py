"""The stages of the study. Each is a pure function: batch in, batch out; no files, no workflow."""
