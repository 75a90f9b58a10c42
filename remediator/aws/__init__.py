"""The AWS side: credentials, and live state."""
