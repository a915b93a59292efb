"""Hostile submissions, a sentence each, and what becomes of them. They run in a throw-away namespace alone."""
