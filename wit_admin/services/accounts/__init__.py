"""Accounts and what they sign in with: tokens, passwords, sessions, public keys."""
