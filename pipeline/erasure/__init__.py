"""`evenfall erase`: members go from everything a workspace holds, a search proves it and a certificate says so."""
