"""What can be wrong with a policy text, one small rule a finding (PL01 to PL27)."""
