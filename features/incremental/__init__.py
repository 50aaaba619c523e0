"""Totals that one night stores and the next one updates: window sums, activity bitmaps, people.

A night reads only the days that entered or left a window or changed. All bit arithmetic lives here.
"""
