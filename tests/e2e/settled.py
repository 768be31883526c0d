"""Loaded last by the process that Kantter is forked from: what is in memory by then is looked at by no collector of
garbage any more, nor copied for it, in any of the forks.
"""

import gc

gc.collect()
gc.freeze()
