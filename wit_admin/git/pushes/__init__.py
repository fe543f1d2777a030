"""Pushes: what a client asks (``commands``), what git did (``report``), what is checked between.

``in_process_push`` carries out small ones without git; ``guarded_push`` runs git with the server's
own ``hooks``, which ask ``checks`` about the pushed objects.
"""
