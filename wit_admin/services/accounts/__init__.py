"""Accounts, and what they sign in with: passwords, sessions, tokens, public keys."""
