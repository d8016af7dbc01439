"""`make bench`: what the paths cost. Integers that are counted come first; CPU follows, as ratios and never as time.

report.py     rows, promises, the table, JSON
world.py      the stores that everything runs against: a bare MiniStack, the Stripe sandbox, a token issuer
calls.py      what Lambda is called with
counts.py     round trips, write units and messages of each flow
children.py   processes that run what is packaged as Lambda does, and the CPU that they take
modules.py    what the packaged functions import
cold.py       CPU from nothing to the first answer
warm.py       CPU of a webhook in a process that has seen many
programs/     what the processes run; they stand alone, with nothing of ours but the package
"""
