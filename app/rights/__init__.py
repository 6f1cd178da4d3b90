"""What a person may ask for, one Article a file (Arts. 15 to 22 GDPR)."""
