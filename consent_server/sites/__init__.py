"""Sites, their API keys and identity secrets."""
