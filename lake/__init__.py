"""Data at rest: what tables hold, and how tonight's records take their place in them.

In `sources` exports are read and mapped, in `storage` tables lie in a folder or a bucket. May touch the disk; knows no other room.
"""
