"""Registers: what the log says of many people at once, for the desk and for auditors (Art. 30)."""
