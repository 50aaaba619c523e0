"""What is carried from night to night, so that a night reads only the days that moved: window sums, activity bitmaps, people.

All arithmetic on bits lives here.
"""
