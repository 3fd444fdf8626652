"""Staff of the console: accounts, sign-in, sessions."""
