"""Invented people and the calls about them: for the demo, the tests and trying things by hand."""
