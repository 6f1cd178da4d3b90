"""The transparency log's arithmetic: Merkle trees over entries (RFC 6962)."""
