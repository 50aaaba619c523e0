"""`evenfall quarantine`: bad rows looked at, repaired in a spreadsheet, and replayed as if they had never been bad."""
