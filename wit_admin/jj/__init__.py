"""Reads Jujutsu repositories from their own stores, while jj may be writing them; needs no jj.

Nothing is written, no lock is taken, nothing is run. It can be used without the rest of this
package.
"""
