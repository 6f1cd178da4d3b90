"""Documents for people, one content in every form: letters and reports (C81, L27)."""
