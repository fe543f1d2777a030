"""What ``db seed`` fills an empty forge with, as data, and how it becomes rows."""
