"""Our OAuth provider: apps of others, what users allow them, and the tokens by which they use the API."""
