"""For course authors: stubs from sources, and the proof that the checks tell right from wrong."""
