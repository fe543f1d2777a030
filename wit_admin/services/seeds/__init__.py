"""The data of ``db seed``, and the code that writes it."""
