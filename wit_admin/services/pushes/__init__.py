"""Pushes: carried out, journalled before git runs, recorded after it.

Read ``flow`` first. ``journal`` records what a killed server left unrecorded.
"""
