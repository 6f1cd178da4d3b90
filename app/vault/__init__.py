"""Keys and seals: what makes personal data readable, and what makes it unreadable for ever."""
