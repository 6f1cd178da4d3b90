"""The privacy policy and the law as data: what was promised, and what the law asks on which day."""
