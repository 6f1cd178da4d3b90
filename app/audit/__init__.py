"""What an auditor takes along: the log, or one record, to be verified without this program."""
